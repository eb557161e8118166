//! The figure of a family of policies on a table: what they gain against how far they are from the reference.

use crate::plots::chart::{Chart, Curve, Mark};
use crate::plots::scale::Kind;

/// KL(π‖π₀), E\[U\], E\[V\] and E\[X\] of one policy.
pub(super) type Gains = [f64; 4];

/// E\[U\], E\[V\] and E\[X\] against KL, the asked policies as dots on E\[U\].
pub(super) fn chart(title: &str, caption: &str, path: &[Gains], asked: &[(Gains, String)]) -> Chart {
    let curve = |name: &str, i: usize| Curve {
        name: name.to_owned(),
        points: path.iter().map(|gains| (gains[0], gains[i])).collect(),
    };
    Chart {
        title: title.to_owned(),
        caption: caption.to_owned(),
        x: ("KL(π‖π₀) (nats)".to_owned(), Kind::Log),
        y: ("reward".to_owned(), Kind::Linear),
        curves: vec![curve("proxy E[U]", 1), curve("utility E[V]", 2), curve("error E[X]", 3)],
        marks: asked
            .iter()
            .map(|(gains, label)| Mark { x: gains[0], y: gains[1], label: label.clone() })
            .collect(),
    }
}
