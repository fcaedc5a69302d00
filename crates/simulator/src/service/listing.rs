//! The list operation: filters and pages; and the catalog of models.

use ark_video_model::{
    Modalities, ModelInfo, ModelList, ModelStatus, ServiceTier, TaskList, TaskStatus,
    catalog::{Availability, Catalog, Span},
};
use ark_video_protocol::list;

use super::{
    content::shorten,
    store::Store,
    task::Record,
    violation::{Checked, Violation},
};
use crate::{
    catalog::{Lookups, Model},
    options::Options,
};

/// One page of the tasks of the last seven days. `shift` moves every page but the first, which is a
/// fault.
pub(crate) fn tasks(
    now: i64,
    requested: &list::Request,
    store: &Store,
    options: &Options,
    shift: i64,
) -> Checked<TaskList> {
    let (limits, defaults) = (&options.catalog.limits, &options.catalog.defaults);
    let bounded = |name: &str, value: Option<u32>, default: i64, range: Span<i64>| {
        let value = value.map_or(default, i64::from);
        let why = || format!("it must be from {} to {}", range.min, range.max);
        if range.contains(&value) { Ok(value) } else { Err(Violation::invalid(name, why())) }
    };
    let page = bounded("page_num", requested.page_num, defaults.page_num.value, limits.list_page_num.value)?;
    let size =
        bounded("page_size", requested.page_size, defaults.page_size.value, limits.list_page_size.value)?;
    if let Some(status) = &requested.status {
        let expired = *status == TaskStatus::Expired && options.switches.is("list-filter-expired", "refuse");
        if !status.is_known() || expired {
            return Err(Violation::invalid(
                "filter.status",
                format!("`{}` is not supported", shorten(status.as_str())),
            ));
        }
    }
    if let Some(tier) = requested.service_tier.as_ref().filter(|tier| !tier.is_known()) {
        return Err(Violation::invalid(
            "filter.service_tier",
            format!("`{}` is not supported", shorten(tier.as_str())),
        ));
    }
    let tier = match &requested.service_tier {
        None if options.switches.is("list-without-tier", "default_only") => Some(ServiceTier::Default),
        tier => tier.clone(),
    };
    let since = now.saturating_sub(limits.list_window_seconds.value * 1000);
    // The documents say `[now - 7 d, now)`. The open end only leaves out what was created in this
    // millisecond, which would make a list right after a create come out by chance; so it is closed
    // here.
    let wanted = |task: &&Record| {
        (since..=now).contains(&task.created)
            && requested.status.as_ref().is_none_or(|status| *status == task.state.status())
            && tier.as_ref().is_none_or(|tier| *tier == task.tier())
            && requested.model.as_ref().is_none_or(|model| model == task.asked_model())
    };
    let shift = if page > 1 { shift } else { 0 };
    let skip = usize::try_from(((page - 1) * size).saturating_sub(shift).max(0)).unwrap_or(usize::MAX);
    let take = usize::try_from(size).unwrap_or(0);
    let mut total = 0_usize;
    let mut items = Vec::new();
    let mut visit = |task: &Record| {
        if total >= skip && items.len() < take {
            items.push(task.show(options));
        }
        total += 1;
    };
    let newest_first = options.switches.is("list-order", "newest_first");
    match (requested.task_ids.as_slice(), newest_first) {
        ([], true) => store.newest_first().filter(wanted).for_each(&mut visit),
        ([], false) => store.oldest_first().filter(wanted).for_each(&mut visit),
        (ids, true) => store.these(ids).into_iter().rev().filter(wanted).for_each(&mut visit),
        (ids, false) => store.these(ids).into_iter().filter(wanted).for_each(&mut visit),
    }
    let mut list = TaskList::new(items);
    list.total = i64::try_from(total).ok();
    Ok(list)
}

/// Every model of the catalog, the retired ones as `Shutdown`.
pub(crate) fn models(catalog: &'static Catalog) -> ModelList {
    ModelList::new(catalog.known_models().map(info).collect::<Vec<_>>())
}

fn info(model: Model) -> ModelInfo {
    let (entry, family) = (model.entry, model.family);
    let mut info = ModelInfo::new(&*entry.id);
    info.name = Some(entry.name.to_string());
    info.version = Some(entry.version.to_string());
    info.domain = Some("VideoGeneration".to_owned());
    info.status = match entry.status {
        Availability::Retired => Some(ModelStatus::Shutdown),
        Availability::Retiring => Some(ModelStatus::Retiring),
        _ => None,
    };
    let able = |ability: Option<bool>| ability == Some(true);
    let references = family.reference_items.value.max > 0;
    let kinds = [
        (able(family.text_only.value), "TextToVideo"),
        (able(family.first_frame.value), "ImageToVideo"),
        (references, "MultimodalToVideo"),
        (able(family.edit_extend.value), "VideoEditing"),
        (able(family.edit_extend.value), "VideoExtension"),
    ];
    info.task_type = Some(chosen(&kinds));
    let inputs = [
        (true, "text"),
        (able(family.first_frame.value) || references, "image"),
        (family.reference_videos.value.max > 0, "video"),
        (family.reference_audios.value.max > 0, "audio"),
    ];
    let mut modalities = Modalities::default();
    modalities.input_modalities = Some(chosen(&inputs));
    modalities.output_modalities = Some(vec!["video".to_owned()]);
    info.modalities = Some(modalities);
    info
}

fn chosen(all: &[(bool, &str)]) -> Vec<String> {
    all.iter().filter(|(able, _)| *able).map(|(_, name)| (*name).to_owned()).collect()
}
