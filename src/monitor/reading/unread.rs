//! What was not read of a log, or has nothing to be compared with, and keeps it from being quiet.

use super::gathering::Gathered;
use crate::foundation::format::count;
use crate::monitor::reference::Calibrate;
use crate::record::{LeftOut, Log, LogMeta, Rollouts, StepSource};

/// One row or file in so many that holds no reward is too much for a quiet log.
const UNREAD_IN: usize = 10;
/// Steps or files at its end without a reward from which on that is too much, too: of one the rewards may come yet.
const UNREAD_AT_END: usize = 2;

/// What was not read of a log, where it is too much for a quiet one.
pub(super) fn unread(meta: &LogMeta) -> Option<String> {
    if UNREAD_IN * meta.empty >= meta.rows && meta.empty > 0 {
        return Some(format!(
            "{} of {} rows have no `{}`, and nothing is known of them: give the rows that count, or with --reward what all have",
            count(meta.empty),
            count(meta.rows),
            meta.reward
        ));
    }
    // What has no column of single rollouts is none of the log.
    let without: Vec<&LeftOut> = meta.left_out.iter().filter(|file| file.lacks_a_column()).collect();
    let files = meta.files.len() + without.len();
    if let Some(first) = without.first().filter(|_| UNREAD_IN * without.len() >= files) {
        return Some(format!(
            "{} of {} files were left out ({}), and nothing is known of them: give the files that count, or with --reward and --step what all \
         have",
            count(without.len()),
            count(files),
            first.reason
        ));
    }
    let at_end = meta.unread_at_end();
    if at_end >= UNREAD_AT_END {
        return Some(format!(
            "the last {} have no `{}`, and nothing is known of them: give the rows that count, or with --reward what all have",
            if meta.unread_steps > 0 { format!("{at_end} steps") } else { format!("{at_end} files") },
            meta.reward
        ));
    }
    None
}

/// Why nothing follows the reference, where nothing does.
pub(super) fn nothing_after(
    log: &Log<Rollouts>,
    calibrate: &Calibrate,
    gathered: &Gathered,
) -> Option<String> {
    if gathered.later > 0 {
        return None;
    }
    let last = log.rollouts.spans().last().map_or(0, |span| span.step);
    Some(match calibrate {
        Calibrate::Steps { .. } => {
            format!("the log ends at step {last}, inside the reference: give earlier steps, or wait for more of the log")
        }
        _ if matches!(log.meta.step, StepSource::Blocks { .. }) => format!(
            "all {} rollouts are in one block, so there is nothing earlier to compare them with: give a longer log, or reference \
             rollouts with --calibrate LOG",
            count(log.rollouts.len())
        ),
        _ => "all rollouts belong to one step, so there is nothing earlier to compare them with: give reference rollouts with \
              --calibrate LOG, or the column of the step with --step"
            .to_owned(),
    })
}
