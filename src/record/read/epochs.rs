//! Whether a column of steps begins anew with each epoch, so that both together are the training step.

/// What was seen of epochs and steps.
#[derive(Debug, Default)]
pub(super) struct Epochs {
    last: Option<(u64, u64)>,
    anew: usize,
    broken: bool,
    most: u64,
}

impl Epochs {
    /// Another file begins.
    pub fn begin(&mut self) {
        self.last = None;
    }

    /// The next row: its epoch, where that is a whole number, and its step.
    pub fn see(&mut self, epoch: Option<u64>, step: u64) {
        let Some(epoch) = epoch else {
            self.broken = true;
            return;
        };
        if let Some((last_epoch, last_step)) = self.last {
            self.broken |= epoch < last_epoch || epoch == last_epoch && step < last_step;
            self.anew += usize::from(step < last_step);
        }
        self.most = self.most.max(step);
        self.last = Some((epoch, step));
    }

    /// Steps of an epoch, where they begin anew with each.
    pub fn period(&self) -> Option<u64> {
        (!self.broken && self.anew > 0).then_some(self.most.saturating_add(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_begin_anew_with_an_epoch_or_go_on() {
        let period = |rows: &mut dyn Iterator<Item = (u64, u64)>| {
            let mut epochs = Epochs::default();
            rows.for_each(|(epoch, step)| epochs.see(Some(epoch), step));
            epochs.period()
        };
        assert_eq!(period(&mut (0..120).map(|row| (row / 40, row % 40 / 4))), Some(10));
        assert_eq!(period(&mut (0..120).map(|row| (row / 40, row / 4))), None, "they go on");
        assert_eq!(period(&mut (0..120).map(|row| (row / 40, row % 20 / 4))), None, "within an epoch too");
        assert_eq!(period(&mut (0..120).map(|row| (row % 3, row / 3))), None, "epochs of several");
    }
}
