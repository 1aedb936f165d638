/** The application id in the file's header: "sdrg". */
export const applicationId = 0x73_64_72_67

/** Version of the tables below; raised when an older reader could misread them. */
export const schemaVersion = 1

/** How many changes are kept for watchers to resume from. */
export const keptChanges = 20_000

/**
 * The tables of the file. Triggers number and record every change, also a manual one in the
 * `sqlite3` shell: watchers see it, and the store refuses writes based on an older revision. They
 * also keep what took the place of a session's record, for that session's audit, until it ends.
 */
export const schema: string = `
CREATE TABLE store (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  epoch TEXT NOT NULL,
  boot TEXT
) STRICT;
INSERT INTO store (id, epoch) VALUES (1, lower(hex(randomblob(8))));

CREATE TABLE sessions (
  id TEXT PRIMARY KEY,
  ttl_ms INTEGER NOT NULL,
  renewed_ms INTEGER NOT NULL,
  renewed_at_ms INTEGER NOT NULL,
  pid INTEGER NOT NULL,
  pid_started TEXT,
  pid_namespace TEXT,
  boot TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE instances (
  namespace TEXT NOT NULL,
  key TEXT NOT NULL,
  document BLOB NOT NULL,
  session TEXT,
  revision INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (namespace, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX instances_of_session ON instances (session);

CREATE TABLE replaced (
  session TEXT NOT NULL,
  namespace TEXT NOT NULL,
  key TEXT NOT NULL,
  document BLOB NOT NULL,
  PRIMARY KEY (session, namespace, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE changes (
  revision INTEGER PRIMARY KEY AUTOINCREMENT,
  namespace TEXT NOT NULL,
  key TEXT NOT NULL
) STRICT;

CREATE TRIGGER session_over AFTER DELETE ON sessions BEGIN
  DELETE FROM instances WHERE session = OLD.id;
  DELETE FROM replaced WHERE session = OLD.id;
END;
CREATE TRIGGER instance_added AFTER INSERT ON instances BEGIN
  INSERT INTO changes (namespace, key) VALUES (NEW.namespace, NEW.key);
  UPDATE instances SET revision = last_insert_rowid()
    WHERE namespace = NEW.namespace AND key = NEW.key;
END;
CREATE TRIGGER instance_updated AFTER UPDATE OF document, session ON instances BEGIN
  INSERT INTO changes (namespace, key) VALUES (NEW.namespace, NEW.key);
  UPDATE instances SET revision = last_insert_rowid()
    WHERE namespace = NEW.namespace AND key = NEW.key;
END;
CREATE TRIGGER instance_taken AFTER UPDATE OF session ON instances
  WHEN NEW.session IS NOT OLD.session BEGIN
  -- no OR REPLACE: the ON CONFLICT of the statement that fires a trigger overrides those in it
  DELETE FROM replaced WHERE session = OLD.session AND namespace = NEW.namespace AND key = NEW.key;
  INSERT INTO replaced
    SELECT id, NEW.namespace, NEW.key, NEW.document FROM sessions WHERE id = OLD.session;
END;
CREATE TRIGGER instance_removed AFTER DELETE ON instances BEGIN
  INSERT INTO changes (namespace, key) VALUES (OLD.namespace, OLD.key);
END;

PRAGMA application_id = ${applicationId};
PRAGMA user_version = ${schemaVersion};
`
