//! A bar for long work, shown on a terminal only.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar that fills up to `total`, in the given unit; it draws nothing unless standard error is a
/// terminal.
pub(crate) fn bar(total: u64, unit: &str) -> ProgressBar {
    let template = format!("{{msg}} [{{wide_bar}}] {{pos}}/{{len}} {unit}  {{eta}} left");
    let style = ProgressStyle::with_template(&template).expect("the template is fixed");
    ProgressBar::new(total).with_style(style.progress_chars("=> "))
}

/// A bar for reading a file of `total` bytes.
pub(crate) fn bytes(total: u64, message: &'static str) -> ProgressBar {
    let template = "{msg} [{wide_bar}] {bytes}/{total_bytes}  {eta} left";
    let style = ProgressStyle::with_template(template).expect("the template is fixed");
    ProgressBar::new(total).with_style(style.progress_chars("=> ")).with_message(message)
}

/// A turning wheel, for work of unknown length.
pub(crate) fn wheel(message: impl Into<String>) -> ProgressBar {
    let wheel = ProgressBar::new_spinner().with_message(message.into());
    wheel.enable_steady_tick(Duration::from_millis(120));
    wheel
}
