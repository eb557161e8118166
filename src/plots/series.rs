//! What is drawn, as data: the same points go into the picture and into its CSV.

use crate::foundation::order;

/// One point with the ends of its interval, where it has one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Horizontal.
    pub x: f64,
    /// Vertical.
    pub y: f64,
    /// Lower end of the interval of y.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
}

impl Point {
    /// A point without an interval.
    pub fn new(x: f64, y: f64) -> Self {
        Self { x, y, low: None, high: None }
    }

    /// Median of `values` with their quartiles; `None` without a finite value.
    pub fn quartiles(x: f64, values: &[f64]) -> Option<Self> {
        let finite: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
        let ascending = order::sorted(&finite);
        let at = |p| order::quantile_sorted(&ascending, p);
        Some(Self { x, y: at(0.5)?, low: at(0.25), high: at(0.75) }).filter(|_| x.is_finite())
    }

    /// Both ends and the middle, for the range of an axis.
    pub fn ys(&self) -> impl Iterator<Item = f64> + use<> {
        [Some(self.y), self.low, self.high].into_iter().flatten()
    }
}

/// Points that belong together.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Panel in which they are drawn.
    pub panel: String,
    /// Name.
    pub name: String,
    /// Points, in drawing order.
    pub points: Vec<Point>,
}

impl Series {
    /// A series; points that are not finite are left out.
    pub fn new(
        panel: impl Into<String>,
        name: impl Into<String>,
        points: impl IntoIterator<Item = Point>,
    ) -> Self {
        let finite = |end: Option<f64>| end.filter(|y| y.is_finite());
        let points = points
            .into_iter()
            .filter(|p| p.x.is_finite() && p.y.is_finite())
            .map(|p| Point { low: finite(p.low), high: finite(p.high), ..p })
            .collect();
        Self { panel: panel.into(), name: name.into(), points }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_finite_is_not_drawn() {
        let point = Point { x: 1.0, y: 2.0, low: Some(f64::NEG_INFINITY), high: Some(3.0) };
        let series =
            Series::new("p", "s", [point, Point::new(f64::NAN, 1.0), Point::new(1.0, f64::INFINITY)]);
        assert_eq!(series.points, vec![Point { low: None, ..point }]);
        assert_eq!(Point::quartiles(0.0, &[f64::INFINITY]), None);
        assert_eq!(
            Point::quartiles(0.0, &[4.0, 1.0, 3.0, 2.0, 5.0]),
            Some(Point { x: 0.0, y: 3.0, low: Some(2.0), high: Some(4.0) })
        );
    }
}
