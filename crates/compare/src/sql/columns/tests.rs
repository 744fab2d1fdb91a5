use proptest::prelude::*;

use crate::sql::Statement;

/// Whether two texts are the same statement, with the same values in the same places.
fn same(a: &str, b: &str) -> bool {
    Statement::read(a).slots == Statement::read(b).slots
}

fn check(a: &str, b: &str, expected: bool) {
    assert_eq!(same(a, b), expected, "\n{a}\n{b}");
    assert_eq!(same(b, a), expected, "\n{b}\n{a}");
    assert!(same(a, a) && same(b, b), "{a}");
}

#[test]
fn lists_of_plain_columns_with_names_are_sets() {
    for (a, b) in [
        ("select a, b from t", "select b, a from t"),
        (
            "select t.a as x, t.b as y from t",
            "select t.b as y, t.a as x from t",
        ),
        (
            "select distinct a, s.t.b from t",
            "SELECT DISTINCT s.t.b, a FROM t",
        ),
        ("select a, 5 as n from t", "select 5 as n, a from t"),
        (
            "select $1 as n, 'x' as m from t",
            "select 'x' as m, $1 as n from t",
        ),
        (
            "select a, b from t order by a limit 5",
            "select b, a from t order by a limit 5",
        ),
        (
            "select a, b from t where (select count(*) from u) > 1",
            "select b, a from t where (select count(*) from u) > 1",
        ),
        // A query behind FROM or JOIN, and both at once, with names that are made up.
        (
            "select q.a as x from (select a, b from t) as q where q.b = 1",
            "select q.a as x from (select b, a from t) as q where q.b = 1",
        ),
        (
            "select u.x, anon_1.b as anon_1_b, anon_1.a as anon_1_a from (select distinct t.b as b, t.a as a from t where t.c = 'v') as anon_1 join u on anon_1.a = u.a and anon_1.b = u.b",
            "select u.x, anon_1.a as anon_1_a, anon_1.b as anon_1_b from (select distinct t.a as a, t.b as b from t where t.c = 'v') as anon_1 join u on anon_1.a = u.a and anon_1.b = u.b",
        ),
        (
            "select anon_2.b as p, anon_1.a as q from t as anon_1 join (select a, b from u) as anon_2 on anon_2.a = anon_1.a",
            "select anon_1.a as q, anon_2.b as p from t as anon_1 join (select b, a from u) as anon_2 on anon_2.a = anon_1.a",
        ),
        // Parameters of other numbers that ask the same, each with its item.
        (
            "select f(q.a) from (select $1 as a, t.b from t) as q where q.b = $2",
            "select f(q.a) from (select t.b, $1 as a from t) as q where q.b = $2",
        ),
    ] {
        check(a, b, true);
    }
}

#[test]
fn whatever_may_go_by_positions_keeps_its_order() {
    for (a, b) in [
        // Names and what they stand for.
        (
            "select a as x, b as y from t",
            "select b as x, a as y from t",
        ),
        ("select a, b from t", "select a, c from t"),
        ("select a, b from t", "select a from t"),
        ("select a, b from t", "select a, b, b from t"),
        (
            "select a as x, b as x from t",
            "select b as x, a as x from t",
        ),
        ("select t.a, u.a from t, u", "select u.a, t.a from t, u"),
        ("select a, \"A\" from t", "select \"A\", b from t"),
        (
            "select 5 as n, 6 as m from t",
            "select 6 as n, 5 as m from t",
        ),
        ("select 5, 6 from t", "select 6, 5 from t"),
        ("select null, a from t", "select a, null from t"),
        // Other expressions.
        (
            "select nextval('s') as a, b from t",
            "select b, nextval('s') as a from t",
        ),
        ("select a + 1 as x, b from t", "select b, a + 1 as x from t"),
        (
            "select distinct on (a) a, b from t",
            "select distinct on (a) b, a from t",
        ),
        ("select a x, b from t", "select b, a x from t"),
        // Positions.
        (
            "select a, b from t order by 1",
            "select b, a from t order by 1",
        ),
        (
            "select a, b from t order by (1)",
            "select b, a from t order by (1)",
        ),
        (
            "select a, b from t group by a, 2",
            "select b, a from t group by a, 2",
        ),
        (
            "select a, b from t order by c desc, 2 limit 1",
            "select b, a from t order by c desc, 2 limit 1",
        ),
        (
            "select a, b from t union select c, d from u",
            "select b, a from t union select c, d from u",
        ),
        (
            "select c, d from u intersect select a, b from t",
            "select c, d from u intersect select b, a from t",
        ),
        (
            "select a, b from t except all select c, d from u",
            "select b, a from t except all select c, d from u",
        ),
        ("select a, b into x from t", "select b, a into x from t"),
        // Other statements.
        (
            "insert into x select a, b from t",
            "insert into x select b, a from t",
        ),
        (
            "create table x as select a, b from t",
            "create table x as select b, a from t",
        ),
        (
            "create view x as select a, b from t",
            "create view x as select b, a from t",
        ),
        (
            "copy (select a, b from t) to stdout",
            "copy (select b, a from t) to stdout",
        ),
        (
            "declare c1 cursor for select a, b from t",
            "declare c1 cursor for select b, a from t",
        ),
        (
            "with q as (select a, b from t) select q.a from q",
            "with q as (select b, a from t) select q.a from q",
        ),
        (
            "select a, b from t; select a, b from t",
            "select b, a from t; select a, b from t",
        ),
        // Queries in brackets of which the whole row is used, or not all by name.
        (
            "select * from (select a, b from t) as q",
            "select * from (select b, a from t) as q",
        ),
        (
            "select q.* from (select a, b from t) as q",
            "select q.* from (select b, a from t) as q",
        ),
        (
            "select q from (select a, b from t) as q",
            "select q from (select b, a from t) as q",
        ),
        (
            "select f(q) from (select a, b from t) as q",
            "select f(q) from (select b, a from t) as q",
        ),
        (
            "select (q).a from (select a, b from t) as q",
            "select (q).a from (select b, a from t) as q",
        ),
        (
            "select q.to_json from (select a, b from t) as q",
            "select q.to_json from (select b, a from t) as q",
        ),
        (
            "select q.a from (select a, b from t) as q (b, a)",
            "select q.a from (select b, a from t) as q (b, a)",
        ),
        (
            "select q.a from (select a, b from t) as q natural join u",
            "select q.a from (select b, a from t) as q natural join u",
        ),
        (
            "select x from u where (c, d) in (select a, b from t)",
            "select x from u where (c, d) in (select b, a from t)",
        ),
        (
            "select x from u where (c, d) = any (select a, b from t)",
            "select x from u where (c, d) = any (select b, a from t)",
        ),
        (
            "select row(c, d) is distinct from (select a, b from t) as q from u",
            "select row(c, d) is distinct from (select b, a from t) as q from u",
        ),
        (
            "select x from u where exists (select a, b from t)",
            "select x from u where exists (select b, a from t)",
        ),
        (
            "select q.a from (select a, b from t union select c, d from u) as q",
            "select q.a from (select b, a from t union select c, d from u) as q",
        ),
    ] {
        check(a, b, false);
    }
    // The two longest names that PostgreSQL cuts to one.
    let long = "x".repeat(63);
    check(
        &format!("select a as {long}a, b as {long}b from t"),
        &format!("select b as {long}b, a as {long}a from t"),
        false,
    );
}

#[test]
fn the_places_of_columns_are_told() {
    for (sql, expected) in [
        ("select b, c, a from t", Some(vec![2, 0, 1])),
        ("select t.z as a, b from t", Some(vec![0, 1])),
        ("select a, f(b) from t", None),
        ("select a, b from t order by 2", None),
        ("insert into t select a, b from t", None),
        ("no ' sql", None),
    ] {
        assert_eq!(Statement::read(sql).columns, expected, "{sql}");
    }
}

/// A statement of the kind that clients make of sets, with a column's name, expression and place
/// in the outer and in the inner list.
#[derive(Debug, Clone)]
struct Asked {
    outer: Vec<(String, String)>,
    inner: Vec<(String, String)>,
    of: String,
}

impl Asked {
    fn text(&self) -> String {
        let list = |items: &[(String, String)]| {
            let items = items.iter().map(|(of, name)| format!("{of} AS {name}"));
            items.collect::<Vec<_>>().join(", ")
        };
        format!(
            "SELECT {} FROM (SELECT {} FROM t WHERE t.k = '{}' LIMIT 5) AS anon_1 JOIN u ON u.k = anon_1.c0",
            list(&self.outer),
            list(&self.inner),
            self.of
        )
    }
}

fn asked() -> impl Strategy<Value = Asked> {
    let inner = prop::collection::vec(0..4_usize, 1..7).prop_map(|kinds| {
        let item = |(n, kind)| {
            let of = match kind {
                0 => format!("t.c{n}"),
                1 => format!("'v{n}'"),
                2 => format!("{n}"),
                _ => format!("${}", n + 1),
            };
            (of, format!("c{n}"))
        };
        kinds.into_iter().enumerate().map(item).collect::<Vec<_>>()
    });
    (inner, "[a-z]{1,3}").prop_map(|(inner, of)| Asked {
        outer: (0..inner.len())
            .map(|n| (format!("anon_1.c{n}"), format!("anon_1_c{n}")))
            .collect(),
        inner,
        of,
    })
}

proptest! {
    #[test]
    fn permutations_are_the_same_and_nothing_else_is(
        (asked, outer, inner) in asked().prop_flat_map(|asked| {
            let (outer, inner) = (asked.outer.clone(), asked.inner.clone());
            (Just(asked), Just(outer).prop_shuffle(), Just(inner).prop_shuffle())
        }),
        change in 0..7_usize,
        at in any::<prop::sample::Index>(),
    ) {
        let mut other = Asked { outer, inner, of: asked.of.clone() };
        let text = asked.text();
        prop_assert!(same(&text, &other.text()), "{}\n{}", text, other.text());
        let names = |asked: &Asked| asked.outer.iter().map(|(_, name)| name.clone()).collect::<Vec<_>>();
        for one in [&asked, &other] {
            let order = Statement::read(&one.text()).columns.unwrap_or_default();
            let mut sorted = names(one);
            sorted.sort();
            let found: Vec<String> = order.iter().filter_map(|at| names(one).get(*at).cloned()).collect();
            prop_assert_eq!(sorted, found);
        }
        let (i, j) = (at.index(other.outer.len()), at.index(other.inner.len()));
        match change {
            0 => other.outer[i].1.push('x'),
            1 => other.outer[i].0 = "u.c0".into(),
            2 => other.inner[j].0.insert_str(0, "t.z + "),
            3 => other.inner[j].0 = "t.other".into(),
            4 => other.of.push('x'),
            5 => {
                let again = other.outer[i].clone();
                other.outer.push((again.0, format!("{}_again", again.1)));
            }
            // Two columns that change what they stand for.
            _ if other.inner.len() > 1 => {
                let k = (j + 1) % other.inner.len();
                let of = other.inner[j].0.clone();
                other.inner[j].0 = std::mem::replace(&mut other.inner[k].0, of);
            }
            _ => other.outer.clear(),
        }
        prop_assert!(!same(&text, &other.text()), "{}\n{}", text, other.text());
    }
}
