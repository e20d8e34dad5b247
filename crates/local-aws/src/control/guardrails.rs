//! Service control policies: what an organisation lets an account do at most, its root user included.
//!
//! Source: AWS Organizations user guide, "Service control policies (SCPs)". An account without one is limited by none,
//! as under `FullAWSAccess`. Service-linked roles are not limited: services here act without asking.

use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::iam::policy::Document;
use crate::lock;

/// The policies in force, by account.
#[derive(Default)]
pub(crate) struct Guardrails(Mutex<BTreeMap<String, Document>>);

impl Guardrails {
    /// Sets an account's policy, or ends it.
    ///
    /// # Errors
    /// What is wrong with the document, in IAM's words.
    pub(crate) fn set(&self, account: &str, document: Option<&str>) -> Result<(), String> {
        let read = document.map(Document::identity).transpose();
        let read = read.map_err(|error| error.to_string())?;
        let mut all = lock::held(&self.0);
        match read {
            Some(document) => all.insert(account.to_owned(), document),
            None => all.remove(account),
        };
        Ok(())
    }

    pub(crate) fn replace(&self, documents: BTreeMap<String, Document>) {
        *lock::held(&self.0) = documents;
    }

    /// The documents in force, by account.
    pub(crate) fn all(&self) -> BTreeMap<String, String> {
        let all = lock::held(&self.0);
        let texts = all
            .iter()
            .map(|(account, document)| (account.clone(), document.text.to_string()));
        texts.collect()
    }

    pub(crate) fn of(&self, account: &str) -> Option<Document> {
        lock::held(&self.0).get(account).cloned()
    }
}
