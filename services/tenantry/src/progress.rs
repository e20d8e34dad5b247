//! What people see while the demo or a rehearsal runs: a moving line on a terminal, one line per stage elsewhere.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

const TICK: Duration = Duration::from_millis(120);

/// The stages of a run, on standard error; standard output carries the result only.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    title: &'static str,
    begun: Instant,
}

impl Progress {
    /// Moves on a terminal, prints lines elsewhere.
    pub(crate) fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style =
                ProgressStyle::with_template("  {spinner:.cyan} {msg}").expect("the template is constant");
            let bar = ProgressBar::new_spinner().with_style(style);
            bar.enable_steady_tick(TICK);
            bar
        });
        Self {
            bar,
            title: "",
            begun: Instant::now(),
        }
    }

    /// Begins a stage.
    pub(crate) fn stage(&mut self, title: &'static str) {
        self.finish_stage();
        self.title = title;
        self.begun = Instant::now();
        if let Some(bar) = &self.bar {
            bar.set_message(title);
        }
    }

    /// Says how far the stage has come; terminals only.
    pub(crate) fn detail(&self, words: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(format!("{}  {words}", self.title));
        }
    }

    /// Ends the last stage.
    pub(crate) fn finish(&mut self) {
        self.finish_stage();
        self.title = "";
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn finish_stage(&self) {
        if self.title.is_empty() {
            return;
        }
        let line = format!(
            "  ✓ {:<62} {:>6} ms",
            self.title,
            self.begun.elapsed().as_millis()
        );
        match &self.bar {
            Some(bar) => bar.println(line),
            None => eprintln!("{line}"),
        }
    }
}
