//! Matching with `*` and `?`.

/// True when `text` matches `pattern`, in which `*` stands for any run of characters and `?` for one. Takes time
/// proportional to the product of the lengths at worst, whatever the pattern.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                retry = Some((p + 1, t));
                p += 1;
            }
            Some(&wanted) if wanted == '?' || wanted == text[t] => {
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
    pattern[p..].iter().all(|&left| left == '*')
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
