//! The law of one page and its inverse: the coordinate in which past saves are alike.
//!
//! A page that is written u times on average is copied with the chance φ = 1 − e^(−u), where any page is as likely
//! written as another. Real popularity is skewed, so u is no count of writes but the *effective* exposure; a forecast
//! needs it as the coordinate that grows with the duration and that no share of 100 % bounds. For a skewed load a
//! longer save copies less than this says: the error is on the safe side.
//!
//! Source: the dirty-page law, section 3 of the model, for one pool under uniform writes.

/// Shares beyond this are off the law: new keys and buffers make a save copy more than the data were. From here on the
/// curve goes along its tangent, so that each share has an exposure of its own and ranks stay what they are.
const TANGENT: f64 = 0.99;

/// The effective exposure behind a copied share of `used_memory`.
#[must_use]
pub fn of_share(share: f64) -> f64 {
    if share <= TANGENT {
        -(-share).ln_1p()
    } else {
        -(1.0 - TANGENT).ln() + (share - TANGENT) / (1.0 - TANGENT)
    }
}

/// The share of `used_memory` that an effective exposure copies.
#[must_use]
pub fn share(exposure: f64) -> f64 {
    let knee = -(1.0 - TANGENT).ln();
    if exposure <= knee { -(-exposure).exp_m1() } else { TANGENT + (exposure - knee) * (1.0 - TANGENT) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn share_and_exposure_are_inverse_and_rise() {
        let mut last = 0.0;
        for share_in in [1e-6, 0.01, 0.5, 0.98, 0.99, 0.991, 1.0, 1.7] {
            let exposure = of_share(share_in);
            assert!(exposure > last && (share(exposure) / share_in - 1.0).abs() < 1e-12, "{share_in}");
            last = exposure;
        }
    }
}
