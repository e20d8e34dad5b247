//! Tables: headings that sort by a link, and details behind a summary.

use maud::{Markup, html};

use super::{Icon, icon};

/// One column of a table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    /// The heading.
    pub(crate) words: &'static str,
    /// The name in `sort=`, when the list can be ordered by it.
    pub(crate) sort: Option<&'static str>,
    /// Whether it holds figures, which stand at the right.
    pub(crate) numeric: bool,
}

impl Column {
    pub(crate) const fn text(words: &'static str) -> Self {
        Self {
            words,
            sort: None,
            numeric: false,
        }
    }

    pub(crate) const fn number(words: &'static str) -> Self {
        Self {
            words,
            sort: None,
            numeric: true,
        }
    }

    pub(crate) const fn by(self, sort: &'static str) -> Self {
        Self {
            sort: Some(sort),
            ..self
        }
    }
}

/// The order a list is in: a column's name and whether the largest comes first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sort {
    /// The column's name.
    pub(crate) by: String,
    /// Largest first.
    pub(crate) descending: bool,
}

impl Sort {
    /// Reads `name` or `-name`.
    pub(crate) fn parse(text: &str) -> Self {
        match text.strip_prefix('-') {
            Some(by) => Self {
                by: by.to_owned(),
                descending: true,
            },
            None => Self {
                by: text.to_owned(),
                descending: false,
            },
        }
    }

    /// As it stands in an address.
    pub(crate) fn text(&self) -> String {
        if self.descending {
            format!("-{}", self.by)
        } else {
            self.by.clone()
        }
    }

    /// What a click on the column asks for: the other direction if it is the present order.
    fn toggled(&self, column: &str) -> String {
        let back = self.by == column && !self.descending;
        if back {
            format!("-{column}")
        } else {
            column.to_owned()
        }
    }
}

/// The present order, and the address that shows the list in another.
pub(crate) type Sorting<'a> = Option<(&'a Sort, &'a dyn Fn(&str) -> String)>;

/// The head of a table. `href` makes the address that shows the list in the order it is given.
pub(crate) fn headings(columns: &[Column], sort: Sorting<'_>) -> Markup {
    html! { thead { tr { @for column in columns { (heading(*column, sort)) } } } }
}

fn heading(column: Column, sort: Sorting<'_>) -> Markup {
    let Some((name, (sort, href))) = column.sort.zip(sort) else {
        return html! { th.num[column.numeric] scope="col" { (column.words) } };
    };
    let here = sort.by == name;
    let order = if sort.descending {
        "descending"
    } else {
        "ascending"
    };
    let arrow = if sort.descending { Icon::Down } else { Icon::Up };
    html! {
        th.num[column.numeric] scope="col" aria-sort=[here.then_some(order)] {
            a href=(href(&sort.toggled(name))) { (column.words) @if here { (icon(arrow)) } }
        }
    }
}

/// Something long behind a word.
pub(crate) fn more(words: &str, body: &Markup) -> Markup {
    html! { details.more { summary { (icon(Icon::Chevron)) (words) } div { (body) } } }
}
