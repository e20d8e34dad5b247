//! Pages of sorted lists. A token names the last item shown, so that what comes and goes between two pages shifts
//! nothing.

/// One page, and the token of the next.
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    pub(crate) next: Option<String>,
}

/// The page of `items`, which are sorted by `key`, behind `token`; `None` for a token that none of ours is.
pub(crate) fn page<T>(
    items: impl IntoIterator<Item = T>,
    key: impl Fn(&T) -> &str,
    token: Option<&str>,
    size: usize,
) -> Option<Page<T>> {
    let after = match token {
        None => None,
        Some(token) => Some(decode(token)?),
    };
    let mut items: Vec<T> = items
        .into_iter()
        .filter(|item| after.as_deref().is_none_or(|after| key(item) > after))
        .take(size.saturating_add(1))
        .collect();
    let more = items.len() > size;
    items.truncate(size);
    let next = items.last().filter(|_| more).map(|last| encode(key(last)));
    Some(Page { items, next })
}

fn encode(key: &str) -> String {
    data_encoding::BASE64URL_NOPAD.encode(key.as_bytes())
}

fn decode(token: &str) -> Option<String> {
    let bytes = data_encoding::BASE64URL_NOPAD.decode(token.as_bytes()).ok()?;
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::page;

    #[test]
    fn pages_follow_each_other_and_end() {
        let names = ["a", "b", "c"];
        let first = page(names, |name| name, None, 2).expect("no token is a token");
        assert_eq!(first.items, ["a", "b"]);
        let second = page(names, |name| name, first.next.as_deref(), 2).expect("our own token");
        assert_eq!((second.items, second.next), (vec!["c"], None));
        assert!(page(names, |name| name, Some("not a token!"), 2).is_none());
    }
}
