//! The generalised Pareto law of the last excesses of a stream, fitted again at each new one.
//!
//! One excess among many hardly moves the maximum of the likelihood: the search starts where the last one ended. After
//! each turn of the window the whole profile is searched, so that a maximum that has become the lower of two is left.

use super::MIN_EXCESSES;
use super::gpd_law::Gpd;
use super::gpd_profile::Profile;
use super::gpd_search::{maximum, maximum_near};
use crate::foundation::failure::Status;

/// The last excesses of a stream, at most so many as its capacity, and the law fitted to them.
#[derive(Debug, Clone)]
pub struct GpdWindow {
    ring: Vec<f64>,
    capacity: usize,
    /// Where the next excess goes.
    next: usize,
    profile: Profile,
    /// ξ/σ of the last maximum, and how far v moved to it.
    last: Option<(f64, f64)>,
    /// Fits since the whole profile was searched.
    turned: usize,
}

/// Bounds of the first step of a search in v that starts from the last maximum.
const STEPS: (f64, f64) = (1e-5, 0.25);

impl GpdWindow {
    /// An empty window of `capacity` excesses (at least [`MIN_EXCESSES`]).
    pub fn new(capacity: usize) -> Self {
        let capacity = capacity.max(MIN_EXCESSES);
        Self {
            ring: Vec::with_capacity(capacity),
            capacity,
            next: 0,
            profile: Profile::empty(),
            last: None,
            turned: 0,
        }
    }

    /// Number of excesses in the window.
    pub fn len(&self) -> usize {
        self.ring.len()
    }

    /// Whether there is no excess.
    pub fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    /// Takes in an excess, in the place of the oldest where the window is full. What is not positive and finite is no
    /// excess, and left out.
    pub fn push(&mut self, excess: f64) {
        if !(excess > 0.0 && excess.is_finite()) {
            return;
        }
        match self.ring.get_mut(self.next) {
            Some(oldest) => *oldest = excess,
            None => self.ring.push(excess),
        }
        self.next = (self.next + 1) % self.capacity;
    }

    /// The maximum-likelihood law of the window; where the likelihood has no maximum, that with its mean and variance.
    ///
    /// # Errors
    /// [`Status::TooFew`] below [`MIN_EXCESSES`]; [`Status::AllTied`].
    pub fn fit(&mut self) -> Result<Gpd, Status> {
        if self.ring.len() < MIN_EXCESSES {
            return Err(Status::TooFew { what: "excesses", have: self.ring.len(), need: MIN_EXCESSES });
        }
        let max = self.ring.iter().copied().fold(0.0, f64::max);
        self.profile.refill(self.ring.iter().copied(), max);
        let near = self.last.filter(|_| self.turned < self.capacity).and_then(|(slope, step)| {
            let v = (slope * max).ln_1p();
            let (at, point) = maximum_near(&self.profile, Some(v).filter(|v| v.is_finite())?, step)?;
            Some((at, point, (at - v).abs()))
        });
        self.turned = if near.is_some() { self.turned + 1 } else { 0 };
        match near.or_else(|| maximum(&self.profile).map(|(at, point)| (at, point, STEPS.1))) {
            Some((at, point, moved)) => {
                self.last = Some((at.exp_m1() / max, (2.0 * moved).clamp(STEPS.0, STEPS.1)));
                Ok(Gpd { xi: point.xi, scale: point.scale * max })
            }
            None => {
                self.last = None;
                Gpd::by_moments(&self.ring).ok_or(Status::AllTied)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fit_excesses;
    use super::*;
    use crate::foundation::rng::{Purpose, SeedTree};

    /// Fits that start from the last one find what a search from nothing finds, whatever the tail.
    #[test]
    fn a_warm_start_ends_where_a_cold_one_does() {
        for (index, xi) in [-0.6, -0.2, 0.0, 0.3, 1.5].into_iter().enumerate() {
            let mut stream = SeedTree::new(1, 0).stream(Purpose::Bootstrap, index as u64);
            let law = Gpd { xi, scale: 2.0 };
            let mut window = GpdWindow::new(60);
            let mut all = Vec::new();
            let (mut compared, mut agree) = (0, 0);
            for _ in 0..600 {
                let y = law.upper_quantile(-stream.open_unit().ln());
                all.push(y);
                window.push(y);
                if all.len() < 60 {
                    continue;
                }
                let found = window.fit().unwrap();
                let Ok(cold) = fit_excesses(&all[all.len() - 60..], 0.0) else { continue };
                compared += 1;
                // Two local maxima are rare; the warm start may stay on the lower one for a turn.
                let same = (found.xi - cold.xi).abs() < 1e-6 && (found.scale / cold.scale - 1.0).abs() < 1e-6;
                agree += usize::from(same);
            }
            assert!(compared > 400 && agree >= compared - 5, "xi {xi}: {agree} of {compared} agree");
        }
    }

    #[test]
    fn without_a_maximum_the_moments_stand_in() {
        let rising: Vec<f64> = (1..=50).map(|i| (f64::from(i) / 50.0).powf(0.2)).collect();
        assert_eq!(fit_excesses(&rising, 0.0).unwrap_err(), Status::Unbounded);
        let mut window = GpdWindow::new(50);
        rising.iter().for_each(|y| window.push(*y));
        assert_eq!(window.fit().ok(), Gpd::by_moments(&rising));
        let mut tied = GpdWindow::new(20);
        (0..20).for_each(|_| tied.push(1.0));
        assert_eq!(tied.fit(), Err(Status::AllTied));
        assert!(matches!(GpdWindow::new(20).fit(), Err(Status::TooFew { have: 0, need: 10, .. })));
    }

    #[test]
    fn the_oldest_go_first_and_what_is_no_excess_is_left_out() {
        let mut window = GpdWindow::new(12);
        (1..=30).for_each(|i| window.push(f64::from(i)));
        [0.0, -1.0, f64::NAN, f64::INFINITY].into_iter().for_each(|y| window.push(y));
        let mut kept = window.ring.clone();
        kept.sort_unstable_by(f64::total_cmp);
        assert_eq!(kept, (19..=30).map(f64::from).collect::<Vec<f64>>());
        assert_eq!((window.len(), window.is_empty()), (12, false));
    }
}
