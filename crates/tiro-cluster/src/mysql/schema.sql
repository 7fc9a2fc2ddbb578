-- The tables of the cluster engine, version 5. Only what MySQL 8.4 and MariaDB 10.11 share.
-- Times are milliseconds since 1970. Texts that are compared are VARBINARY; others are utf8mb4 and never compared.
-- No foreign keys: see docs/decisions/0013-cluster.md.

-- Which version the tables are of; written last, so without its row they are still being made.
CREATE TABLE IF NOT EXISTS schema_version (
    one TINYINT UNSIGNED NOT NULL,
    version INT UNSIGNED NOT NULL,
    PRIMARY KEY (one)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS server (
    one TINYINT UNSIGNED NOT NULL,
    data_set BINARY(16) NOT NULL,
    next_application INT UNSIGNED NOT NULL,
    PRIMARY KEY (one)
) ENGINE = InnoDB;

-- One row each; whoever writes to an application holds the lock on the row of its partition.
-- `position` is that of the latest change row of the partition: it orders the relay, and clients never see it.
CREATE TABLE IF NOT EXISTS partitions (
    id SMALLINT UNSIGNED NOT NULL,
    position BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (id)
) ENGINE = InnoDB;

-- `restoring` is 0 where the token is bound, and the row's own id while an import fills it: so a bound token is unique.
-- `restoring_last` is set exactly while it is restored, and `restored_at` says when that went on last, by the clock of MySQL.
-- `listed` is 1 for what the list of applications shows.
CREATE TABLE IF NOT EXISTS applications (
    id INT UNSIGNED NOT NULL,
    token VARBINARY(64) NOT NULL,
    restoring INT UNSIGNED NOT NULL,
    restoring_last BIGINT UNSIGNED NULL,
    partition_id SMALLINT UNSIGNED NOT NULL,
    epoch VARBINARY(16) NOT NULL,
    name TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    metadata MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    chats_count BIGINT UNSIGNED NOT NULL,
    last_chat_number BIGINT UNSIGNED NOT NULL,
    last_position BIGINT UNSIGNED NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT NULL,
    version BIGINT UNSIGNED NOT NULL,
    listed TINYINT UNSIGNED NOT NULL,
    restored_at BIGINT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY by_token (token, restoring),
    KEY by_time (listed, created_at, token),
    KEY by_restore (restored_at)
) ENGINE = InnoDB;

-- `live_activity` is `activity_position` while the chat is live, else NULL.
CREATE TABLE IF NOT EXISTS chats (
    application INT UNSIGNED NOT NULL,
    number BIGINT UNSIGNED NOT NULL,
    title TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    metadata MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    messages_count BIGINT UNSIGNED NOT NULL,
    last_message_number BIGINT UNSIGNED NOT NULL,
    last_message_at BIGINT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT NULL,
    version BIGINT UNSIGNED NOT NULL,
    activity_position BIGINT UNSIGNED NOT NULL,
    live_activity BIGINT UNSIGNED NULL,
    change_position BIGINT UNSIGNED NOT NULL,
    markers_count BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (application, number),
    KEY by_activity (application, live_activity)
) ENGINE = InnoDB;

-- `body` is NULL exactly in a tombstone. MEDIUMTEXT, since TEXT ends one byte below the limit of a body.
CREATE TABLE IF NOT EXISTS messages (
    application INT UNSIGNED NOT NULL,
    chat BIGINT UNSIGNED NOT NULL,
    number BIGINT UNSIGNED NOT NULL,
    body MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    sender VARBINARY(1024) NULL,
    metadata MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT NULL,
    version BIGINT UNSIGNED NOT NULL,
    created_position BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (application, chat, number)
) ENGINE = InnoDB;

-- The feeds. `kind` is the number of a `ChangeKind` in `mysql/rows.rs`. A key stands with the change it is bound to:
-- `key_scope` is the application, 0 for keys of the server, and NULL where there is no key or where an application that
-- is still being restored holds back a key of the server. `key_namespace` 0 server, 1 application, 2 import.
CREATE TABLE IF NOT EXISTS changes (
    application INT UNSIGNED NOT NULL,
    position BIGINT UNSIGNED NOT NULL,
    partition_id SMALLINT UNSIGNED NOT NULL,
    partition_position BIGINT UNSIGNED NOT NULL,
    at BIGINT NOT NULL,
    kind TINYINT UNSIGNED NOT NULL,
    chat BIGINT UNSIGNED NULL,
    number BIGINT UNSIGNED NULL,
    reader VARBINARY(1024) NULL,
    version BIGINT UNSIGNED NOT NULL,
    key_scope INT UNSIGNED NULL,
    key_namespace TINYINT UNSIGNED NULL,
    key_name VARBINARY(1024) NULL,
    key_fingerprint VARBINARY(64) NULL,
    key_created_at BIGINT NULL,
    PRIMARY KEY (application, position),
    UNIQUE KEY by_partition (partition_id, partition_position),
    UNIQUE KEY by_key (key_scope, key_namespace, key_name)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS markers (
    application INT UNSIGNED NOT NULL,
    chat BIGINT UNSIGNED NOT NULL,
    reader VARBINARY(1024) NOT NULL,
    last_read BIGINT UNSIGNED NOT NULL,
    version BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (application, chat, reader),
    KEY by_reader (application, reader, chat)
) ENGINE = InnoDB;

-- Nodes of the tree that counts what was deleted (`tiro_core::DeletedNode`). `chat` is 0 for the list of chats.
CREATE TABLE IF NOT EXISTS deleted_counts (
    application INT UNSIGNED NOT NULL,
    chat BIGINT UNSIGNED NOT NULL,
    level TINYINT UNSIGNED NOT NULL,
    block BIGINT UNSIGNED NOT NULL,
    counts BLOB NOT NULL,
    PRIMARY KEY (application, chat, level, block)
) ENGINE = InnoDB;

-- What lies below a deleted chat, or with chat 0 a deleted application, and is yet to be removed.
CREATE TABLE IF NOT EXISTS garbage (
    application INT UNSIGNED NOT NULL,
    chat BIGINT UNSIGNED NOT NULL,
    partition_id SMALLINT UNSIGNED NOT NULL,
    PRIMARY KEY (application, chat)
) ENGINE = InnoDB;

-- Garbage whose rows are gone and whose documents are yet to leave the search index. `position` is how far the partition
-- was when the rows were gone: once it is indexed through that, nobody writes their documents any more.
CREATE TABLE IF NOT EXISTS index_garbage (
    partition_id SMALLINT UNSIGNED NOT NULL,
    position BIGINT UNSIGNED NOT NULL,
    application INT UNSIGNED NOT NULL,
    chat BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (partition_id, position, application, chat)
) ENGINE = InnoDB;

-- One row per transaction: says whether one whose COMMIT was not answered was carried out.
CREATE TABLE IF NOT EXISTS transactions (
    id BINARY(16) NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (id),
    KEY by_time (at)
) ENGINE = InnoDB;

-- Why a parked create was rejected. `operation` is `tiro_core::Operation::digest`; `reason` is a number of `mysql/refused.rs`.
CREATE TABLE IF NOT EXISTS refused_operations (
    application INT UNSIGNED NOT NULL,
    operation BINARY(32) NOT NULL,
    reason TINYINT UNSIGNED NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (application, operation),
    KEY by_time (at)
) ENGINE = InnoDB;

-- How far the change rows of a partition were handed to RabbitMQ and confirmed.
CREATE TABLE IF NOT EXISTS relays (
    partition_id SMALLINT UNSIGNED NOT NULL,
    position BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (partition_id)
) ENGINE = InnoDB;

-- Who takes part: a node writes its row every few seconds.
CREATE TABLE IF NOT EXISTS nodes (
    id BINARY(16) NOT NULL,
    role VARBINARY(16) NOT NULL,
    name VARBINARY(255) NOT NULL,
    started_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    -- What it does not do, and why.
    trouble VARBINARY(500) NULL,
    PRIMARY KEY (id)
) ENGINE = InnoDB;

-- How far the running round of the recount has come, and when its next chunk, or the next round, is due.
CREATE TABLE IF NOT EXISTS recounts (
    one TINYINT UNSIGNED NOT NULL,
    application INT UNSIGNED NOT NULL,
    chat BIGINT UNSIGNED NOT NULL,
    due_at BIGINT NOT NULL,
    PRIMARY KEY (one)
) ENGINE = InnoDB;
