//! Pictures of figures. Bars and sparklines are SVG from here; a series over time is handed to `<usage-chart>` as
//! JSON. Floats are for drawing only: every text that is shown was formatted from decimals.

use chrono::{DateTime, Utc};
use maud::{Markup, PreEscaped, html};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::Serialize;

use crate::format;

/// What `<usage-chart>` draws.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Chart {
    /// The start of each window, seconds since 1970.
    pub(crate) times: Vec<i64>,
    /// The start of each window in words.
    pub(crate) labels: Vec<String>,
    /// Seconds in a window.
    pub(crate) step: i64,
    /// Windows that start before this are complete; later ones are drawn dashed.
    pub(crate) complete: i64,
    /// The lines, at most six.
    pub(crate) series: Vec<Series>,
    /// The marks of the vertical axis, from zero up.
    pub(crate) marks: Vec<Mark>,
    /// What the legend says while nothing is pointed at.
    pub(crate) words: String,
    /// The chart in a sentence.
    #[serde(skip)]
    pub(crate) sentence: String,
}

/// One line of a chart.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Series {
    /// Its name.
    pub(crate) name: String,
    /// One value for each window, for drawing.
    pub(crate) values: Vec<f64>,
    /// One text for each window, for reading.
    pub(crate) texts: Vec<String>,
    /// The sum in words.
    pub(crate) total: String,
}

/// One mark of the vertical axis.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Mark {
    /// Where, for drawing.
    pub(crate) at: f64,
    /// What stands there.
    pub(crate) text: String,
}

/// A name and its windows with their amounts.
pub(crate) type Line<'a> = (&'a str, &'a [(DateTime<Utc>, Decimal)]);

impl Chart {
    /// The chart of up to six named lines over the same windows of `step` seconds; windows that end after
    /// `watermark` are not complete.
    pub(crate) fn of(lines: &[Line<'_>], step: i64, watermark: Option<DateTime<Utc>>) -> Self {
        let windows = lines.first().map_or(&[][..], |(_, rows)| rows);
        let top = lines
            .iter()
            .flat_map(|(_, rows)| rows.iter().map(|(_, value)| *value))
            .max()
            .unwrap_or_default();
        let complete = watermark.map_or(i64::MIN, |at| at.timestamp() - step + 1);
        let names: Vec<&str> = lines.iter().map(|(name, _)| *name).collect();
        Self {
            times: windows.iter().map(|(at, _)| at.timestamp()).collect(),
            labels: windows.iter().map(|(at, _)| format::moment(*at)).collect(),
            step,
            complete,
            series: lines.iter().map(|(name, rows)| Series::of(name, rows)).collect(),
            marks: marks(top),
            words: "in all".to_owned(),
            sentence: format!(
                "{} over {} windows, at most {} in one",
                names.join(", "),
                windows.len(),
                format::quantity(top)
            ),
        }
    }
}

impl Series {
    fn of(name: &str, rows: &[(DateTime<Utc>, Decimal)]) -> Self {
        Self {
            name: name.to_owned(),
            values: rows
                .iter()
                .map(|(_, value)| value.to_f64().unwrap_or_default())
                .collect(),
            texts: rows.iter().map(|(_, value)| format::quantity(*value)).collect(),
            total: format::quantity(rows.iter().map(|(_, value)| value).sum()),
        }
    }
}

/// Round marks from zero to at least `top`, five at most: steps of 1, 2 or 5 times a power of ten.
fn marks(top: Decimal) -> Vec<Mark> {
    let top = top.max(Decimal::ONE);
    let mut power = Decimal::ONE;
    let step = loop {
        let fitting = [1, 2, 5]
            .into_iter()
            .map(|factor| Decimal::from(factor) * power)
            .find(|step| *step * Decimal::from(4) >= top);
        match (fitting, power.checked_mul(Decimal::TEN)) {
            (Some(step), _) => break step,
            (None, Some(larger)) => power = larger,
            (None, None) => break top,
        }
    };
    let count = (top / step).ceil().to_i64().unwrap_or(1).clamp(1, 4);
    (0..=count)
        .map(|index| Mark::at(step * Decimal::from(index)))
        .collect()
}

impl Mark {
    fn at(value: Decimal) -> Self {
        Self {
            at: value.to_f64().unwrap_or_default(),
            text: format::brief(value),
        }
    }
}

/// The chart, its legend, and its data for the element.
pub(crate) fn chart(chart: &Chart) -> Markup {
    html! {
        usage-chart.chart {
            ul.legend {
                @for (index, series) in chart.series.iter().enumerate() {
                    li {
                        svg viewBox="0 0 18 8" aria-hidden="true" {
                            line.(format!("stroke-{}", index % 6 + 1)) x1="0" y1="4" x2="18" y2="4" stroke-width="3" {}
                        }
                        (series.name) " " b { (series.total) }
                    }
                }
                li.at { (chart.words) }
            }
            span.tokens aria-hidden="true" {}
            div.plot role="img" aria-label=(chart.sentence) {}
            (json(chart))
        }
    }
}

/// The texts of a chart as a table, for everybody who reads rather than looks.
pub(crate) fn chart_table(chart: &Chart) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Data" {
            table.table {
                caption.hidden { (chart.sentence) }
                thead { tr {
                    th scope="col" { "From (UTC)" }
                    @for series in &chart.series { th.num scope="col" { (series.name) } }
                } }
                tbody { @for (index, label) in chart.labels.iter().enumerate() { tr {
                    th scope="row" { (label) }
                    @for series in &chart.series { td.num { (series.texts.get(index).map_or("", String::as_str)) } }
                } } }
            }
        }
    }
}

/// Data for a custom element. `<` is written as an escape, so no text can close the element it stands in.
fn json(data: &impl Serialize) -> Markup {
    let text = serde_json::to_string(data).expect("chart data has text keys only and therefore serializes");
    html! { script type="application/json" { (PreEscaped(text.replace('<', "\\u003c"))) } }
}

/// A small line without axes, for the course of a figure.
pub(crate) fn sparkline(values: &[Decimal], sentence: &str) -> Markup {
    let points = spark_points(values);
    html! {
        svg.spark viewBox="0 0 100 24" preserveAspectRatio="none" role="img" aria-label=(sentence) {
            @if let Some(points) = &points {
                path.area d={ "M0,24 L" (points) " L100,24 Z" } {}
                path d={ "M" (points) } {}
            }
        }
    }
}

fn spark_points(values: &[Decimal]) -> Option<String> {
    let steps = Decimal::from(values.len().checked_sub(1).filter(|steps| *steps > 0)?);
    let top = values.iter().copied().max().filter(|top| *top > Decimal::ZERO)?;
    let point = |(index, value): (usize, &Decimal)| {
        let x = Decimal::from(index) * Decimal::ONE_HUNDRED / steps;
        let y = Decimal::from(23) - *value * Decimal::from(22) / top;
        format!("{},{}", x.round_dp(2), y.round_dp(2))
    };
    Some(values.iter().enumerate().map(point).collect::<Vec<_>>().join(" "))
}

/// How far something is, 0 to 100.
pub(crate) fn percent_bar(percent: u8, class: &str, label: &str) -> Markup {
    html! {
        svg.meterbar.(class) viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label=(label) {
            rect.track width="100" height="6" {}
            rect.fill width=(percent.min(100)) height="6" {}
        }
    }
}

/// A share of the largest, as a bar beside its figure.
pub(crate) fn share_bar(value: Decimal, largest: Decimal) -> Markup {
    let share = (value * Decimal::ONE_HUNDRED)
        .checked_div(largest)
        .unwrap_or_default()
        .round();
    html! {
        svg.topbar viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" {
            rect.track width="100" height="8" rx="2" {}
            rect.fill width=(share.to_u8().unwrap_or(0)) height="8" rx="2" {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round_and_reach_the_top() {
        let texts = |top: i64| {
            marks(Decimal::from(top))
                .into_iter()
                .map(|mark| mark.text)
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(texts(0), "0 1");
        assert_eq!(texts(7), "0 2 4 6 8");
        assert_eq!(texts(40_827), "0 20k 40k 60k");
        assert_eq!(texts(1_000_000), "0 500k 1M");
    }

    #[test]
    fn chart_data_cannot_close_its_element() {
        let text = json(&"</script><img src=x>").0;
        assert_eq!(text.matches('<').count(), 2, "{text}");
    }
}
