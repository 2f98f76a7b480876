use super::build::build;
use super::*;

#[test]
fn the_embedded_source_builds() {
    assert_eq!(Catalog::get().types().count(), 130);
}

#[test]
fn mistakes_are_reported_with_file_and_line() {
    let error = build(&[("a.schema", "type A\n  id text\n  b -> B by id\n")]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a.schema:3: no entity type `B` is declared"
    );
}
