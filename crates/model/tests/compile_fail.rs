//! What the API refuses to mix does not compile; the compiler's words are pinned beside each case.

#[test]
fn what_the_api_refuses_to_mix() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/compile_fail/*.rs");
}
