//! The minimum covariance determinant: mean and covariance of the half of the rows that lies closest together.
//!
//! FastMCD (Rousseeuw & Van Driessen 1999, *Technometrics* 41:212): C-steps from 500 random starts in disjoint subsets
//! of 300 rows, from the best of these in their union until they settle, and from the best of those in all rows. Every
//! second start is of d + 1 rows, which are likely to be clean; the others are of half of the rows, as in scikit-learn,
//! and lead deeper where nothing is contaminated. Then one reweighting:
//! mean and covariance of the rows within the .975 quantile of χ². Both covariances carry the consistency factor of
//! Croux & Haesbroeck (1999).
//!
//! Where half of the rows lie on a hyperplane, as with a column that is mostly 0, every determinant is 0. The search is then made
//! again with each covariance S replaced by (1 − ρ)·S + ρ·1, as in the regularised MCD (Boudt, Rousseeuw, Vanduffel & Verdonck
//! 2020, *Statistics and Computing* 30:113), ρ = 10⁻³ of a standardised column's variance.

use super::chi_squared::{consistency, quantile};
use super::linear::{Moments, Whitener};
use crate::foundation::failure::Status;
use crate::foundation::rng::Stream;

/// Random starts, over all subsets.
const STARTS: usize = 500;
/// Rows of a subset; fewer than two of them are not split.
const SUBSET: usize = 300;
/// Subsets at most.
const SUBSETS: usize = 5;
/// How many candidates go on to the next stage.
const KEPT: usize = 10;
/// C-steps from a random start.
const SHORT: usize = 2;
/// C-steps until which one that does not settle is stopped.
const LONG: usize = 100;
/// Share of normal rows that the reweighting keeps.
const CORE: f64 = 0.975;

/// What the identity weighs in a covariance where half of the rows lie on a hyperplane.
const RIDGE: f64 = 1e-3;

/// A robust mean and covariance.
pub(super) struct Robust {
    pub moments: Moments,
    /// Whether it is regularised, half of the rows lying on a hyperplane.
    pub regularised: bool,
}

/// Rows of which some share is searched, column by column.
struct Rows<'a> {
    columns: &'a [f64],
    count: usize,
    width: usize,
    ridge: f64,
}

impl Rows<'_> {
    /// The cells of `chosen` rows, column by column, into `out`.
    fn gather(&self, chosen: &[usize], out: &mut Vec<f64>) {
        out.clear();
        for column in self.columns.chunks_exact(self.count) {
            out.extend(chosen.iter().map(|&row| column[row]));
        }
    }

    fn moments(&self, chosen: &[usize], scratch: &mut Vec<f64>) -> Moments {
        self.gather(chosen, scratch);
        let mut moments = Moments::centring(scratch, self.width);
        if self.ridge > 0.0 {
            moments.covariance.iter_mut().for_each(|c| *c *= 1.0 - self.ridge);
            moments.covariance.iter_mut().step_by(self.width + 1).for_each(|c| *c += self.ridge);
        }
        moments
    }
}

/// A centre with its covariance's factor.
#[derive(Clone)]
struct Candidate {
    moments: Moments,
    whitener: Whitener,
}

/// Buffers that every step reuses.
#[derive(Default)]
struct Scratch {
    distances: Vec<f64>,
    ordered: Vec<f64>,
    chosen: Vec<usize>,
    cells: Vec<f64>,
}

impl Scratch {
    /// The `half` rows nearest to a centre; among equals the first.
    fn nearest(&mut self, rows: &Rows<'_>, from: &Candidate, half: usize) {
        self.distances.resize(rows.count, 0.0);
        from.whitener.squared_distances(rows.columns, &from.moments.mean, &mut self.distances);
        self.ordered.clone_from(&self.distances);
        let (_, &mut farthest, _) = self.ordered.select_nth_unstable_by(half - 1, f64::total_cmp);
        let inside = self.distances.iter().filter(|d| **d < farthest).count();
        let mut spare = half.saturating_sub(inside);
        self.chosen.clear();
        self.chosen.extend(self.distances.iter().enumerate().filter_map(|(row, d)| {
            let taken = *d < farthest || (*d == farthest && spare > 0);
            spare -= usize::from(*d == farthest && spare > 0);
            taken.then_some(row)
        }));
    }

    /// Concentrates a candidate until its determinant no longer falls, `steps` times at most; `None` where it becomes 0.
    fn concentrate(
        &mut self,
        rows: &Rows<'_>,
        mut from: Candidate,
        half: usize,
        steps: usize,
    ) -> Option<Candidate> {
        for step in 0..steps {
            self.nearest(rows, &from, half);
            let moments = rows.moments(&self.chosen, &mut self.cells);
            let whitener = moments.whitener()?;
            // The determinant of the start is not one of `half` rows.
            let settled = step > 0 && whitener.ln_det >= from.whitener.ln_det - 1e-12;
            from = Candidate { moments, whitener };
            if settled {
                break;
            }
        }
        Some(from)
    }

    /// A candidate from `wanted` random rows, or from twice as many, and so on until it is regular.
    fn start(
        &mut self,
        rows: &Rows<'_>,
        order: &mut [usize],
        mut wanted: usize,
        rng: &mut Stream,
    ) -> Option<Candidate> {
        let mut drawn = 0;
        while drawn < order.len() {
            wanted = wanted.min(order.len());
            while drawn < wanted {
                let other = drawn + rng.below((order.len() - drawn) as u64) as usize;
                order.swap(drawn, other);
                drawn += 1;
            }
            let moments = rows.moments(&order[..drawn], &mut self.cells);
            if let Some(whitener) = moments.whitener() {
                return Some(Candidate { moments, whitener });
            }
            wanted *= 2;
        }
        None
    }
}

/// The `KEPT` with the smallest determinants, the smallest first; among equals the first.
fn best(mut candidates: Vec<Candidate>) -> Vec<Candidate> {
    candidates.sort_by(|a, b| a.whitener.ln_det.total_cmp(&b.whitener.ln_det));
    candidates.truncate(KEPT);
    candidates
}

/// The best of `starts` random starts within `rows`.
fn search(
    rows: &Rows<'_>,
    half: usize,
    starts: usize,
    scratch: &mut Scratch,
    rng: &mut Stream,
) -> Vec<Candidate> {
    let mut order: Vec<usize> = (0..rows.count).collect();
    let found = (0..starts).filter_map(|number| {
        let wanted = if number % 2 == 0 { rows.width + 1 } else { half };
        let start = scratch.start(rows, &mut order, wanted, rng)?;
        scratch.concentrate(rows, start, half, SHORT)
    });
    best(found.collect())
}

/// C-steps that each of the last candidates gets, by the size of the whole (Rousseeuw & Van Driessen 1999, §3.3).
fn last_steps(cells: usize) -> usize {
    match cells.div_ceil(100_000) {
        0 | 1 => LONG,
        hundred_thousands => 12usize.saturating_sub(hundred_thousands).max(1),
    }
}

/// Robust mean and covariance of standardised rows, `width` columns that stand one after the other in `columns`.
///
/// # Errors
/// [`Status::TooFew`] below 2d + 2 rows.
pub(super) fn mcd(columns: &[f64], width: usize, rng: &mut Stream) -> Result<Robust, Status> {
    let count = columns.len() / width.max(1);
    let need = 2 * width + 2;
    if count < need {
        return Err(Status::TooFew { what: "calibration rollouts", have: count, need });
    }
    let plain = minimum(&Rows { columns, count, width, ridge: 0.0 }, rng);
    if let Some(moments) = plain {
        return Ok(Robust { moments, regularised: false });
    }
    let moments = minimum(&Rows { columns, count, width, ridge: RIDGE }, rng);
    let moments = moments.ok_or(Status::Undefined { reason: "a covariance is not finite" })?;
    Ok(Robust { moments, regularised: true })
}

/// The reweighted estimate; `None` where half of the rows have a determinant of 0.
fn minimum(all: &Rows<'_>, rng: &mut Stream) -> Option<Moments> {
    let half = (all.count + all.width + 2) / 2;
    let mut scratch = Scratch::default();
    let found = if all.count < 2 * SUBSET {
        search(all, half, STARTS, &mut scratch, rng)
    } else {
        from_subsets(all, half, &mut scratch, rng)
    };
    let steps = last_steps(all.columns.len());
    let found = found.into_iter().filter_map(|one| scratch.concentrate(all, one, half, steps)).collect();
    let winner = scratch.concentrate(all, best(found).into_iter().next()?, half, LONG)?;
    let moments = reweight(all, &winner, half, &mut scratch);
    moments.whitener().map(|_| moments)
}

/// The best of a search in disjoint random subsets, concentrated in their union.
fn from_subsets(all: &Rows<'_>, half: usize, scratch: &mut Scratch, rng: &mut Stream) -> Vec<Candidate> {
    let subsets = (all.count / SUBSET).min(SUBSETS);
    let size = if subsets < SUBSETS { all.count / subsets } else { SUBSET };
    let mut order: Vec<usize> = (0..all.count).collect();
    for taken in 0..subsets * size {
        let other = taken + rng.below((all.count - taken) as u64) as usize;
        order.swap(taken, other);
    }
    order.truncate(subsets * size);
    let share = |rows: usize| (rows * half).div_ceil(all.count);
    let mut cells = Vec::new();
    let mut candidates = Vec::new();
    for subset in order.chunks_exact(size) {
        all.gather(subset, &mut cells);
        let rows = Rows { columns: &cells, count: size, width: all.width, ridge: all.ridge };
        candidates.extend(search(&rows, share(size), STARTS / subsets, scratch, rng));
    }
    all.gather(&order, &mut cells);
    let union = Rows { columns: &cells, count: order.len(), width: all.width, ridge: all.ridge };
    let half = share(order.len());
    best(candidates.into_iter().filter_map(|one| scratch.concentrate(&union, one, half, LONG)).collect())
}

/// Mean and covariance of the rows that a normal law with the raw estimate would hold by its .975 quantile.
fn reweight(all: &Rows<'_>, raw: &Candidate, half: usize, scratch: &mut Scratch) -> Moments {
    let d = all.width as f64;
    let reach = quantile(d, CORE) * consistency(d, half as f64 / all.count as f64);
    scratch.distances.resize(all.count, 0.0);
    raw.whitener.squared_distances(all.columns, &raw.moments.mean, &mut scratch.distances);
    scratch.chosen.clear();
    scratch.chosen.extend((0..all.count).filter(|&row| scratch.distances[row] < reach));
    let mut moments = all.moments(&scratch.chosen, &mut scratch.cells);
    let factor = consistency(d, CORE);
    moments.covariance.iter_mut().for_each(|c| *c *= factor);
    moments
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::rng::{Purpose, SeedTree};
    use rand_distr::{Distribution as _, StandardNormal};

    fn stream(index: u64) -> Stream {
        SeedTree::new(3, 0).stream(Purpose::Detector, index)
    }

    /// Normal columns with standard deviations 1 and 2, the first `spoilt` rows moved to (30, 30).
    fn spoilt(rows: usize, spoilt: usize) -> Vec<f64> {
        let mut rng = SeedTree::new(3, 1).stream(Purpose::Calibration, 0);
        let mut columns: Vec<f64> = (0..2 * rows).map(|_| StandardNormal.sample(&mut rng)).collect();
        columns[rows..].iter_mut().for_each(|x| *x *= 2.0);
        for row in 0..spoilt {
            columns[row] += 30.0;
            columns[rows + row] += 30.0;
        }
        columns
    }

    #[test]
    fn two_fifths_of_outliers_do_not_move_it() {
        for rows in [400, 1000, 5000] {
            let robust = mcd(&spoilt(rows, 2 * rows / 5), 2, &mut stream(0)).unwrap().moments;
            // 60% of the rows are normal: standard errors below .07 at 400, of the variances .1.
            assert!(robust.mean.iter().all(|m| m.abs() < 0.4), "{rows}: {:?}", robust.mean);
            let [a, _, _, d] = robust.covariance[..] else { panic!() };
            assert!((a - 1.0).abs() < 0.3 && (d - 4.0).abs() < 1.2, "{rows}: {a} {d}");
        }
    }

    #[test]
    fn clean_rows_give_a_consistent_covariance() {
        // Standard error of a variance from 20,000 normal rows: 1%.
        let robust = mcd(&spoilt(20_000, 0), 2, &mut stream(0)).unwrap().moments;
        let [a, b, _, d] = robust.covariance[..] else { panic!() };
        assert!((a - 1.0).abs() < 0.04 && (d - 4.0).abs() < 0.16 && b.abs() < 0.08, "{a} {b} {d}");
    }

    #[test]
    fn other_starts_find_the_same_minimum() {
        let columns = spoilt(1000, 100);
        let first = mcd(&columns, 2, &mut stream(0)).unwrap().moments;
        for seed in 1..4 {
            let other = mcd(&columns, 2, &mut stream(seed)).unwrap().moments;
            assert!((other.mean[0] - first.mean[0]).abs() < 0.02, "{} {}", other.mean[0], first.mean[0]);
        }
    }

    #[test]
    fn hyperplanes_are_regularised_and_short_calibration_refused() {
        let mut columns = spoilt(1000, 0);
        assert!(!mcd(&columns, 2, &mut stream(0)).unwrap().regularised);
        columns[1100..1900].fill(1.0);
        let robust = mcd(&columns, 2, &mut stream(0)).unwrap();
        assert!(robust.regularised);
        // Of the second column only the ridge is left.
        let [a, b, _, d] = robust.moments.covariance[..] else { panic!() };
        assert!((a - 1.0).abs() < 0.3 && b.abs() < 1e-3 && (1e-3..2e-3).contains(&d), "{a} {b} {d}");
        assert!(matches!(mcd(&[0.0; 10], 2, &mut stream(0)), Err(Status::TooFew { have: 5, need: 6, .. })));
        assert_eq!((last_steps(100_000), last_steps(800_000), last_steps(2_000_000)), (LONG, 4, 1));
    }
}
