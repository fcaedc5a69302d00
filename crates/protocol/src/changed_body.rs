//! A received create body after one of its fields was changed: everything else keeps the text that
//! was received.
//!
//! The typed request cannot hold that text (`1.10` is read as 1.1, a number of thirty digits as a
//! float), so the received bytes are kept beside it and compared with it. Reads and writes JSON
//! only; knows no field by name.

use std::collections::BTreeMap;

use ark_video_model::CreateTaskRequest;
use serde_json::value::RawValue;

type Object<'a> = BTreeMap<String, &'a RawValue>;

/// `received` with what differs in `changed`. Members of an object that was changed are written in
/// alphabetical order.
pub(crate) fn merge(received: &[u8], changed: &CreateTaskRequest) -> serde_json::Result<Vec<u8>> {
    let before = serde_json::to_string(&serde_json::from_slice::<CreateTaskRequest>(received)?)?;
    let after = serde_json::to_string(changed)?;
    if before == after {
        return Ok(received.to_vec());
    }
    let mut merged = String::with_capacity(received.len());
    write(
        &mut merged,
        serde_json::from_slice(received)?,
        serde_json::from_str(&before)?,
        serde_json::from_str(&after)?,
    )?;
    // Text that was kept must mean what the typed request says; otherwise its own text is sent.
    let same = serde_json::from_str::<CreateTaskRequest>(&merged).is_ok_and(|merged| merged == *changed);
    Ok(if same { merged } else { after }.into_bytes())
}

fn write(
    out: &mut String,
    received: &RawValue,
    before: &RawValue,
    after: &RawValue,
) -> serde_json::Result<()> {
    if before.get() == after.get() {
        out.push_str(received.get());
        return Ok(());
    }
    let objects = (object(received), object(before), object(after));
    if let (Some(received), Some(before), Some(after)) = objects {
        return write_object(out, received, &before, after);
    }
    if let (Some(received), Some(before), Some(after)) = (array(received), array(before), array(after)) {
        out.push('[');
        for (index, item) in after.iter().enumerate() {
            separate(out, index);
            match (received.get(index), before.get(index)) {
                (Some(received), Some(before)) => write(out, received, before, item)?,
                _ => out.push_str(item.get()),
            }
        }
        out.push(']');
        return Ok(());
    }
    out.push_str(after.get());
    Ok(())
}

fn write_object<'a>(
    out: &mut String,
    received: Object<'a>,
    before: &Object<'a>,
    mut after: Object<'a>,
) -> serde_json::Result<()> {
    out.push('{');
    let mut count = 0;
    for (name, received) in received {
        let (before, after) = (before.get(&name), after.remove(&name));
        // What was there, and is gone; a field that is neither before nor after is a `null` and
        // stays.
        if before.is_some() && after.is_none() {
            continue;
        }
        write_name(out, count, &name)?;
        match (before, after) {
            (Some(before), Some(after)) => write(out, received, before, after)?,
            (_, Some(after)) => out.push_str(after.get()),
            (_, None) => out.push_str(received.get()),
        }
        count += 1;
    }
    for (name, value) in after {
        write_name(out, count, &name)?;
        out.push_str(value.get());
        count += 1;
    }
    out.push('}');
    Ok(())
}

fn write_name(out: &mut String, index: usize, name: &str) -> serde_json::Result<()> {
    separate(out, index);
    out.push_str(&serde_json::to_string(name)?);
    out.push(':');
    Ok(())
}

fn separate(out: &mut String, index: usize) {
    if index > 0 {
        out.push(',');
    }
}

fn object(value: &RawValue) -> Option<Object<'_>> {
    serde_json::from_str(value.get()).ok()
}

fn array(value: &RawValue) -> Option<Vec<&RawValue>> {
    serde_json::from_str(value.get()).ok()
}
