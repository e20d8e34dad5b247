//! Matching with `*` and `?`.

/// One piece of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// `*`: any run of characters, none included.
    Run,
    /// `?`: one character.
    One,
    /// This very character.
    Is(char),
}

/// The pieces of a pattern's text.
pub(super) fn pieces(pattern: &str) -> impl Iterator<Item = Piece> {
    pattern.chars().map(|char| match char {
        '*' => Piece::Run,
        '?' => Piece::One,
        other => Piece::Is(other),
    })
}

/// True when `text` matches `pattern`.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    let pattern: Vec<Piece> = pieces(pattern).collect();
    matches(&pattern, text)
}

/// The same for a pattern in pieces. Takes time proportional to the product of the lengths at worst, whatever the
/// pattern.
pub(super) fn matches(pattern: &[Piece], text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(Piece::Run) => {
                retry = Some((p + 1, t));
                p += 1;
            }
            Some(&piece) if piece == Piece::One || piece == Piece::Is(text[t]) => {
                p += 1;
                t += 1;
            }
            // The last star takes one character more, and matching goes on behind it.
            _ => match retry {
                Some((after_star, taken)) => {
                    retry = Some((after_star, taken + 1));
                    p = after_star;
                    t = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&left| left == Piece::Run)
}

/// Action names do not distinguish case.
pub(super) fn action_glob(pattern: &str, action: &str) -> bool {
    glob(&pattern.to_ascii_lowercase(), &action.to_ascii_lowercase())
}

/// ARNs match part by part: a star does not reach over a colon of the first five.
pub(super) fn arn_glob(pattern: &str, arn: &str) -> bool {
    let wanted: Vec<&str> = pattern.splitn(6, ':').collect();
    let given: Vec<&str> = arn.splitn(6, ':').collect();
    wanted.len() == 6
        && given.len() == 6
        && wanted
            .iter()
            .zip(given)
            .all(|(wanted, given)| glob(wanted, given))
}
