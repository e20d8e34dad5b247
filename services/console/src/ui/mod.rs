//! The parts that pages are made of. Each is a function from plain values to markup, knows no service and
//! holds no style: looks are classes, widths are SVG attributes.

mod block;
mod chart;
mod field;
mod icon;
mod steps;
mod table;
mod text;

pub(crate) use block::{
    Figure, actions, button_link, card, danger_card, empty, facts, figures, flush_card, head, note, partial,
    problem, tabs,
};
pub(crate) use chart::{Chart, chart, chart_table, percent_bar, share_bar, sparkline};
pub(crate) use field::{Field, action_form, field, form_start, select, select_options, submit, submit_wide};
pub(crate) use icon::{Icon, icon, logo};
pub(crate) use steps::{Step, StepState, stages, steps};
pub(crate) use table::{Column, Sort, headings, more};
pub(crate) use text::{Tone, pill, short_id, snippet, snippet_tall, time, time_precise};
