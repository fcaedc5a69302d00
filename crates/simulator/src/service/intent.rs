//! Which task type 2.5 reads from a prompt with a reference video: the phrases that its tutorial
//! lists (2026-10).

use ark_video_model::OmniReferenceTaskType as TaskType;

const EDIT: &[&str] = &[
    "编辑", "增加", "加上", "删除", "去掉", "修改", "替换", "改成", "edit", "add", "delete", "remove",
    "modify", "replace", "change",
];
const EXTEND: &[&str] = &["延长", "延续", "续写", "extend", "continue"];

/// The task type that a prompt asks for; `None` without a listed phrase. The first listed phrase
/// counts.
pub(crate) fn read(prompt: &str) -> Option<TaskType> {
    let prompt = prompt.to_lowercase();
    let first = |phrases: &[&str]| phrases.iter().filter_map(|phrase| find(&prompt, phrase)).min();
    match (first(EDIT), first(EXTEND)) {
        (Some(edit), Some(extend)) if extend < edit => Some(TaskType::Extend),
        (Some(_), _) => Some(TaskType::Edit),
        (None, Some(_)) => Some(TaskType::Extend),
        (None, None) => None,
    }
}

/// The place of a word: anywhere in Chinese, between other characters than letters in English.
fn find(prompt: &str, word: &str) -> Option<usize> {
    let letter = |character: Option<char>| character.is_some_and(|character| character.is_ascii_alphabetic());
    let whole = |at: usize| {
        !word.is_ascii()
            || !(letter(prompt[..at].chars().next_back()) || letter(prompt[at + word.len()..].chars().next()))
    };
    prompt.match_indices(word).map(|(at, _)| at).find(|at| whole(*at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_is_read_by_its_first_listed_word() {
        for (prompt, expected) in [
            ("Change the sky of Video 1 to sunset.", Some(TaskType::Edit)),
            ("把视频1里的包替换成图片1", Some(TaskType::Edit)),
            ("Extend Video 1 forward, then add snow", Some(TaskType::Extend)),
            ("视频1续写", Some(TaskType::Extend)),
            ("Camera path of Video 1, city of Image 1; the address is unchanged, editors addicted", None),
            ("", None),
        ] {
            assert_eq!(read(prompt), expected, "{prompt}");
        }
    }
}
