//! Before sign-in: signing in and up, the addresses that mails lead to, and the choice of colours.

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use http::header::{HeaderMap, REFERER, SET_COOKIE};
use http::{HeaderValue, Uri};
use onboarding::sign_in::{self as sessions, BrowserSession};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};
use serde_json::json;
use service_kit::CallerSession;
use service_kit::auth::session_cookie_name;
use service_kit::limits::RouteClass;
use service_kit::server::ClientAddress;
use tenant_model::Principal;

use super::{Answer, page};
use crate::api::Change;
use crate::app::Site;
use crate::layout::{Place, Theme};
use crate::pages::outbox::MailView;
use crate::pages::{outbox as outbox_page, sign_in as sign_in_page, sign_up as sign_up_page};
use crate::respond;
use crate::visit::{Fields, Refused, Stranger, THEME_COOKIE, Visit};

const YEAR_SECONDS: i64 = 31_536_000;
const MAILS_SHOWN: u32 = 50;

/// The start page is the fleet for operators and the own organisation for everybody else.
pub(super) async fn start(visit: Visit) -> Response {
    let to = match visit.principal {
        Principal::Tenant { tenant_id, .. } => format!("/tenants/{tenant_id}"),
        Principal::Operator { .. } | Principal::ApiKey { .. } => "/tenants".to_owned(),
    };
    respond::go(visit.fragment, &to)
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct SignInQuery {
    #[serde(default)]
    to: String,
}

pub(super) async fn sign_in(stranger: Stranger, Query(query): Query<SignInQuery>) -> Response {
    let view = sign_in_page::SignIn {
        to: respond::own_path(&query.to),
        ..Default::default()
    };
    sign_in_page::page(stranger.theme, &view).into_response()
}

/// A field that no log may show.
fn secret<'de, D: Deserializer<'de>>(field: D) -> Result<SecretString, D::Error> {
    String::deserialize(field).map(SecretString::from)
}

#[derive(Debug, Deserialize)]
pub(super) struct SignInForm {
    email: String,
    #[serde(deserialize_with = "secret")]
    password: SecretString,
    #[serde(default)]
    to: String,
}

pub(super) async fn open_session(
    State(site): State<Site>,
    stranger: Stranger,
    address: ClientAddress,
    Fields(form): Fields<SignInForm>,
) -> Response {
    match try_sign_in(&site, address, &form).await {
        Ok(session) => signed_in(&site, stranger.fragment, &session, respond::own_path(&form.to)),
        Err(Refused(problem)) => {
            let view = sign_in_page::SignIn {
                email: &form.email,
                to: &form.to,
                problem: Some(&problem),
                done: None,
            };
            let fragment = sign_in_page::form(&view);
            let whole = |_: &_| sign_in_page::page(stranger.theme, &view).into_response();
            super::refused_form(problem.clone(), stranger.fragment, fragment, whole)
        }
    }
}

async fn try_sign_in(
    site: &Site,
    address: ClientAddress,
    form: &SignInForm,
) -> Result<BrowserSession, Refused> {
    let limits = &site.kit().limits;
    limits.check(RouteClass::SignIn, &address.0.to_string())?;
    limits.check(RouteClass::SignIn, &form.email.to_lowercase())?;
    Ok(sessions::sign_in_browser(&site.app.onboarding, &form.email, &form.password).await?)
}

/// The single-use link that the terminal prints and an operator may hand out.
pub(super) async fn redeem_link(
    State(site): State<Site>,
    stranger: Stranger,
    address: ClientAddress,
    Path(token): Path<String>,
) -> Answer {
    site.kit()
        .limits
        .check(RouteClass::SignIn, &address.0.to_string())?;
    let session = sessions::redeem_sign_in_link(&site.app.onboarding, &token).await?;
    Ok(signed_in(&site, stranger.fragment, &session, "/"))
}

fn signed_in(site: &Site, fragment: bool, session: &BrowserSession, to: &str) -> Response {
    let name = session_cookie_name(site.kit().https);
    let token = session.token.expose_secret();
    let cookie = format!("{name}={token}; Path=/; HttpOnly; SameSite=Lax{}", secure(site));
    with_cookie(respond::go(fragment, to), &cookie)
}

fn secure(site: &Site) -> &'static str {
    if site.kit().https { "; Secure" } else { "" }
}

fn with_cookie(mut response: Response, cookie: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(SET_COOKIE, value);
    }
    response
}

pub(super) async fn sign_out(
    State(site): State<Site>,
    visit: Visit,
    CallerSession(family): CallerSession,
) -> Answer {
    sessions::sign_out(&site.app.onboarding, &visit.principal, family).await?;
    let name = session_cookie_name(site.kit().https);
    let gone = format!(
        "{name}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0{}",
        secure(&site)
    );
    Ok(with_cookie(respond::go(visit.fragment, "/sign-in"), &gone))
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct SignUpQuery {
    /// Set after the form was sent.
    sent: Option<u8>,
}

pub(super) async fn sign_up(
    State(site): State<Site>,
    stranger: Stranger,
    Query(query): Query<SignUpQuery>,
) -> Response {
    if query.sent.is_some() {
        return sign_up_page::sent(stranger.theme, site.shows_outbox()).into_response();
    }
    let key = site.form_key();
    let view = sign_up_page::SignUp {
        key: &key,
        ..Default::default()
    };
    sign_up_page::page(stranger.theme, &view).into_response()
}

#[derive(Debug, Deserialize)]
pub(super) struct SignUpForm {
    organisation: String,
    email: String,
    #[serde(deserialize_with = "secret")]
    password: SecretString,
    idempotency_key: String,
}

pub(super) async fn request_signup(
    State(site): State<Site>,
    stranger: Stranger,
    Fields(form): Fields<SignUpForm>,
) -> Response {
    let body = json!({
        "organisation": form.organisation, "email": form.email, "password": form.password.expose_secret(),
    });
    let mut change = Change::post("/v1/signups".to_owned(), &form.idempotency_key, body);
    change.from = Some(&stranger.headers);
    match site.api.call(None, change).await {
        Ok(_) => respond::go(stranger.fragment, "/sign-up?sent=1"),
        Err(problem) => {
            let key = site.form_key();
            let view = sign_up_page::SignUp {
                organisation: &form.organisation,
                email: &form.email,
                key: &key,
                problem: Some(&problem),
            };
            let whole = |_: &_| sign_up_page::page(stranger.theme, &view).into_response();
            super::refused_form(
                problem.clone(),
                stranger.fragment,
                sign_up_page::form(&view),
                whole,
            )
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct TokenQuery {
    #[serde(default)]
    token: String,
}

pub(super) async fn verify(stranger: Stranger, Query(query): Query<TokenQuery>) -> Response {
    sign_up_page::verify(stranger.theme, &query.token, None).into_response()
}

/// The mail proved who is there, so the session begins at once.
pub(super) async fn confirm(
    State(site): State<Site>,
    stranger: Stranger,
    address: ClientAddress,
    Fields(form): Fields<TokenQuery>,
) -> Response {
    match try_confirm(&site, address, &form.token).await {
        Ok(session) => signed_in(&site, stranger.fragment, &session, "/"),
        Err(Refused(problem)) => {
            let fragment = sign_up_page::verify_form(&form.token, Some(&problem));
            let whole =
                |_: &_| sign_up_page::verify(stranger.theme, &form.token, Some(&problem)).into_response();
            super::refused_form(problem.clone(), stranger.fragment, fragment, whole)
        }
    }
}

async fn try_confirm(site: &Site, address: ClientAddress, token: &str) -> Result<BrowserSession, Refused> {
    site.kit()
        .limits
        .check(RouteClass::SignIn, &address.0.to_string())?;
    let app = &site.app.onboarding;
    let verified = onboarding::signup::verify_signup(app, token).await?;
    Ok(sessions::open_browser_session(app, verified.user).await?)
}

pub(super) async fn invitation(stranger: Stranger, Query(query): Query<TokenQuery>) -> Response {
    sign_up_page::invitation(stranger.theme, &query.token, None).into_response()
}

#[derive(Debug, Deserialize)]
pub(super) struct InvitationForm {
    token: String,
    #[serde(deserialize_with = "secret")]
    password: SecretString,
}

pub(super) async fn accept(
    State(site): State<Site>,
    stranger: Stranger,
    address: ClientAddress,
    Fields(form): Fields<InvitationForm>,
) -> Response {
    match try_accept(&site, address, &form).await {
        Ok(session) => signed_in(&site, stranger.fragment, &session, "/"),
        Err(Refused(problem)) => {
            let fragment = sign_up_page::invitation_form(&form.token, Some(&problem));
            let whole =
                |_: &_| sign_up_page::invitation(stranger.theme, &form.token, Some(&problem)).into_response();
            super::refused_form(problem.clone(), stranger.fragment, fragment, whole)
        }
    }
}

async fn try_accept(
    site: &Site,
    address: ClientAddress,
    form: &InvitationForm,
) -> Result<BrowserSession, Refused> {
    site.kit()
        .limits
        .check(RouteClass::SignIn, &address.0.to_string())?;
    let app = &site.app.onboarding;
    let user = onboarding::people::accept(app, &form.token, &form.password).await?;
    Ok(sessions::open_browser_session(app, user).await?)
}

#[derive(Debug, Deserialize)]
pub(super) struct ThemeForm {
    theme: String,
}

/// Remembers the colours and goes back to the page that asked.
pub(super) async fn choose_theme(
    headers: HeaderMap,
    stranger: Stranger,
    Fields(form): Fields<ThemeForm>,
) -> Response {
    let theme = Theme::parse(&form.theme);
    let age = if theme == Theme::System { 0 } else { YEAR_SECONDS };
    let cookie = format!(
        "{THEME_COOKIE}={}; Path=/; SameSite=Lax; Max-Age={age}",
        theme.name()
    );
    with_cookie(respond::go(stranger.fragment, &referring_path(&headers)), &cookie)
}

fn referring_path(headers: &HeaderMap) -> String {
    let referer = headers
        .get(REFERER)
        .and_then(|value| value.to_str().ok()?.parse::<Uri>().ok());
    let path = referer
        .as_ref()
        .and_then(Uri::path_and_query)
        .map_or("/", |path| path.as_str());
    respond::own_path(path).to_owned()
}

/// The mails that development does not send; elsewhere there is no such page.
pub(super) async fn outbox(
    State(site): State<Site>,
    headers: HeaderMap,
    signed_in: Result<Visit, Response>,
) -> Answer {
    if !site.shows_outbox() {
        return Err(Refused::not_found());
    }
    let mails = onboarding::mail::list_recent(&site.app.onboarding, MAILS_SHOWN).await?;
    let views: Vec<MailView> = mails
        .into_iter()
        .map(|mail| MailView {
            recipient: mail.recipient.to_string(),
            subject: mail.subject,
            body: mail.body,
            at: mail.created_at,
        })
        .collect();
    let content = outbox_page::content(&views);
    Ok(match signed_in {
        Ok(visit) => page(&visit, (Place::Outbox, "Outbox"), &content),
        Err(_) => outbox_page::page(Stranger::of(&headers).theme, &content).into_response(),
    })
}
