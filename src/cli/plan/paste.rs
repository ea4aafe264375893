//! What to paste: the plan's percent where each kind of operator sets it.

use crate::decision::ClassAnswer;
use crate::units::Percent;

/// Lines for `valkey.conf`, for Helm values, and for Terraform where the provider has a setting of its own.
pub fn lines(answer: &ClassAnswer, percent: f64) -> Vec<String> {
    let Some(paste) = &answer.paste else { return Vec::new() };
    let Some(maxmemory) = paste.lines().last() else { return Vec::new() };
    let mut lines = vec!["valkey.conf:".to_owned()];
    lines.extend(paste.lines().map(|line| format!("  {line}")));
    lines.push("Helm values (charts that append to valkey.conf, as Bitnami's):".to_owned());
    lines.push(format!("  commonConfiguration: |-\n    {maxmemory}"));
    if let Some(terraform) = terraform(answer, percent) {
        lines.push("Terraform:".to_owned());
        lines.push(format!("  {terraform}"));
    }
    lines
}

/// The provider's own setting.
///
/// Sources: `yandex_mdb_redis_cluster`, `config.maxmemory_percent`; `aws_elasticache_parameter_group`, parameter
/// `reserved-memory-percent`.
fn terraform(answer: &ClassAnswer, percent: f64) -> Option<String> {
    let provider = answer.host_class.as_deref()?.split('.').next()?;
    match provider {
        "yandex" => Some(format!("config {{ maxmemory_percent = {} }}", percent.floor())),
        "elasticache" => Some(format!(
            "parameter {{ name = \"reserved-memory-percent\", value = \"{}\" }}  # {} for data",
            (100.0 - percent).ceil(),
            Percent(percent)
        )),
        _ => None,
    }
}
