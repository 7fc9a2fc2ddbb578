//! The deleted counts of one list, told again from its tombstones.
//!
//! Numbers come in order, so of each level only one node is open at a time, whatever the length of the list.

use std::sync::Arc;

use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, Row};
use tiro_core::{DeletedNode, DeletedPlace, NumberedList};

use crate::mysql::rows::encode_deleted;

/// Most tombstones that are read at once.
const NUMBERS_MAX: usize = 10_000;
/// Most nodes of one statement.
const NODES_MAX: usize = 250;

/// A node as it has to be stored.
pub(super) type Node = (DeletedPlace, Vec<u8>);

/// What `deleted_counts.chat` is for a list.
fn chat_of(list: NumberedList) -> u64 {
    match list {
        NumberedList::Chats => 0,
        NumberedList::Messages { chat } => chat,
    }
}

/// The nodes of a list, level by level as they are filled.
struct Tree {
    list: NumberedList,
    open: Vec<Option<(DeletedPlace, Option<Arc<DeletedNode>>)>>,
    closed: Vec<Node>,
}

impl Tree {
    fn new(list: NumberedList) -> Tree {
        Tree {
            list,
            open: Vec::new(),
            closed: Vec::new(),
        }
    }

    /// Counts the next number, which is higher than all before.
    fn count(&mut self, number: u64) {
        for place in self.list.places_of(number) {
            let level = usize::from(place.level);
            if self.open.len() <= level {
                self.open.resize_with(level + 1, || None);
            }
            let slot = &mut self.open[level];
            if slot.as_ref().is_some_and(|(open, _)| *open != place) {
                self.closed.extend(slot.take().and_then(close));
            }
            let (_, node) = slot.get_or_insert((place, None));
            place.count(number, node);
        }
    }

    fn finish(&mut self) {
        self.closed
            .extend(self.open.drain(..).flatten().filter_map(close));
    }
}

fn close((place, node): (DeletedPlace, Option<Arc<DeletedNode>>)) -> Option<Node> {
    node.map(|node| (place, encode_deleted(&node)))
}

/// Reads the tombstones of a list and hands over its nodes as they are finished.
struct Walk {
    tree: Tree,
    after: u64,
    is_over: bool,
}

impl Walk {
    fn new(list: NumberedList) -> Walk {
        Walk {
            tree: Tree::new(list),
            after: 0,
            is_over: false,
        }
    }

    /// The next nodes; `None` after the last.
    async fn next(
        &mut self,
        connection: &mut MySqlConnection,
        application: u32,
    ) -> Result<Option<Vec<Node>>, sqlx::Error> {
        if self.is_over {
            return Ok(None);
        }
        let limit = i64::try_from(NUMBERS_MAX).unwrap_or(i64::MAX);
        let statement = match self.tree.list {
            NumberedList::Chats => sqlx::query_scalar(
                "SELECT number FROM chats WHERE application = ? AND number > ? AND deleted_at IS NOT NULL \
                 ORDER BY number LIMIT ?",
            )
            .bind(application),
            NumberedList::Messages { chat } => sqlx::query_scalar(
                "SELECT number FROM messages WHERE application = ? AND chat = ? AND number > ? \
                 AND deleted_at IS NOT NULL ORDER BY number LIMIT ?",
            )
            .bind(application)
            .bind(chat),
        };
        let numbers: Vec<u64> = statement
            .bind(self.after)
            .bind(limit)
            .fetch_all(connection)
            .await?;
        for number in &numbers {
            self.tree.count(*number);
            self.after = *number;
        }
        if numbers.len() < NUMBERS_MAX {
            self.tree.finish();
            self.is_over = true;
        }
        Ok(Some(std::mem::take(&mut self.tree.closed)))
    }
}

/// How many nodes of a list are not as its tombstones say, in the snapshot of the connection.
pub(super) async fn compare(
    connection: &mut MySqlConnection,
    application: u32,
    list: NumberedList,
) -> Result<u64, sqlx::Error> {
    let (mut walk, mut expected, mut right) = (Walk::new(list), 0, 0);
    while let Some(nodes) = walk.next(connection, application).await? {
        expected += nodes.len() as u64;
        for nodes in nodes.chunks(NODES_MAX) {
            right += count_right(connection, application, list, nodes).await?;
        }
    }
    let stored = sqlx::query("SELECT COUNT(*) FROM deleted_counts WHERE application = ? AND chat = ?")
        .bind(application)
        .bind(chat_of(list));
    let stored = super::number(connection, stored).await?;
    Ok(expected.max(stored) - right)
}

async fn count_right(
    connection: &mut MySqlConnection,
    application: u32,
    list: NumberedList,
    nodes: &[Node],
) -> Result<u64, sqlx::Error> {
    let places: Vec<String> = nodes
        .iter()
        .map(|(place, _)| format!("({}, {})", place.level, place.block))
        .collect();
    let text = format!(
        "SELECT level, block, counts FROM deleted_counts WHERE application = {application} AND chat = {} \
         AND (level, block) IN ({})",
        chat_of(list),
        places.join(", ")
    );
    let rows = sqlx::raw_sql(AssertSqlSafe(text)).fetch_all(connection).await?;
    let mut right = 0;
    for row in &rows {
        let (level, block): (u8, u64) = (row.try_get(0)?, row.try_get(1)?);
        let counts: Vec<u8> = row.try_get(2)?;
        let is_right = nodes
            .iter()
            .any(|(place, node)| (place.level, place.block) == (level, block) && *node == counts);
        right += u64::from(is_right);
    }
    Ok(right)
}

/// Writes the nodes of a list anew. Nobody else may write to it.
pub(super) async fn rewrite(
    connection: &mut MySqlConnection,
    application: u32,
    list: NumberedList,
) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM deleted_counts WHERE application = ? AND chat = ?")
        .bind(application)
        .bind(chat_of(list))
        .execute(&mut *connection)
        .await?;
    let mut walk = Walk::new(list);
    while let Some(nodes) = walk.next(connection, application).await? {
        for nodes in nodes.chunks(NODES_MAX) {
            let values = vec!["(?, ?, ?, ?, ?)"; nodes.len()].join(", ");
            let text = format!(
                "INSERT INTO deleted_counts (application, chat, level, block, counts) VALUES {values}"
            );
            let mut insert = sqlx::query(AssertSqlSafe(text));
            for (place, node) in nodes {
                insert = insert.bind(application).bind(chat_of(list));
                insert = insert.bind(place.level).bind(place.block).bind(node.as_slice());
            }
            insert.execute(&mut *connection).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_tree_filled_in_order_is_the_one_that_deletes_fill() {
        let list = NumberedList::Messages { chat: 1 };
        let numbers = [1, 2, 256, 257, 300, 65_536, 65_537, 70_000, 16_777_217];
        let mut tree = Tree::new(list);
        numbers.iter().for_each(|number| tree.count(*number));
        tree.finish();
        let mut expected: BTreeMap<DeletedPlace, Option<Arc<DeletedNode>>> = BTreeMap::new();
        // Deletes come in any order.
        for number in numbers.iter().rev() {
            for place in list.places_of(*number) {
                place.count(*number, expected.entry(place).or_default());
            }
        }
        let expected: BTreeMap<_, _> = expected.into_iter().filter_map(close).collect();
        assert_eq!(tree.closed.into_iter().collect::<BTreeMap<_, _>>(), expected);
    }
}
