//! The few styles. Meaning never hangs on colour alone: words and signs say the same.

use anstyle::{AnsiColor, Style};

const fn color(color: AnsiColor) -> Style {
    Style::new().fg_color(Some(anstyle::Color::Ansi(color)))
}

/// What stands at the head of a part.
pub(crate) const HEAD: Style = Style::new().bold();
/// What may be passed over.
pub(crate) const DIM: Style = Style::new().dimmed();
/// What is as it should be.
pub(crate) const GOOD: Style = color(AnsiColor::Green);
/// What is not.
pub(crate) const BAD: Style = color(AnsiColor::Red).bold();
/// What is worth a look.
pub(crate) const WARN: Style = color(AnsiColor::Yellow);
/// What was recorded.
pub(crate) const OLD: Style = color(AnsiColor::Red);
/// What the candidate gave.
pub(crate) const NEW: Style = color(AnsiColor::Green);
/// The number of a cause.
pub(crate) const NUMBER: Style = color(AnsiColor::Cyan);
