//! Phrases by which the service reads a prompt as an edit or an extension of a video (2.5 tutorial,
//! 2026-10).

/// What a prompt reads as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Intent {
    Edit,
    Extend,
}

const EDIT_CHINESE: &[&str] = &["编辑", "增加", "加上", "删除", "去掉", "修改", "替换", "改成"];
const EXTEND_CHINESE: &[&str] = &["延长", "延续", "续写"];
const EDIT_ENGLISH: &[&str] = &["edit", "add", "delete", "remove", "modify", "replace", "change"];
const EXTEND_ENGLISH: &[&str] = &["extend", "continue"];

/// What the first such word says.
pub(crate) fn intent(prompt: &str) -> Option<Intent> {
    let chinese = [(EDIT_CHINESE, Intent::Edit), (EXTEND_CHINESE, Intent::Extend)];
    let chinese = chinese.into_iter().flat_map(|(phrases, intent)| {
        phrases.iter().filter_map(move |word| prompt.find(word).map(|at| (at, intent)))
    });
    let among = |phrases: &[&str], word: &str| phrases.iter().any(|known| known.eq_ignore_ascii_case(word));
    let english = english_words(prompt).find_map(|(at, word)| match word {
        word if among(EDIT_ENGLISH, word) => Some((at, Intent::Edit)),
        word if among(EXTEND_ENGLISH, word) => Some((at, Intent::Extend)),
        _ => None,
    });
    chinese.chain(english).min_by_key(|(at, _)| *at).map(|(_, intent)| intent)
}

fn english_words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let start = text.as_ptr() as usize;
    text.split(|c: char| !c.is_ascii_alphabetic())
        .filter(|word| !word.is_empty())
        .map(move |word| (word.as_ptr() as usize - start, word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_words_say_what_is_wanted() {
        assert_eq!(intent("Make it winter in Video 1: change the blossom to snow."), Some(Intent::Edit));
        assert_eq!(intent("把天空改成日落"), Some(Intent::Edit));
        assert_eq!(intent("Continue, then replace the hat"), Some(Intent::Extend));
        assert_eq!(intent("延长视频1，替换帽子"), Some(Intent::Extend));
        assert_eq!(intent("An exchange of addresses; editors remain."), None);
        assert_eq!(intent(""), None);
    }
}
