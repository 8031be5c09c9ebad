extension Store {
    /// The tables of the configuration, and of what outlives an event: links, our own writes,
    /// budgets.
    static let configurationSchema = """
        CREATE TABLE configuration (
            version bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            applied_at timestamptz NOT NULL DEFAULT now(),
            applied_by text NOT NULL);

        CREATE TABLE secret (
            connection int NOT NULL REFERENCES connection (number),
            name text NOT NULL,
            key_id text NOT NULL,
            sealed bytea NOT NULL,
            PRIMARY KEY (connection, name));

        -- Versions are added and never changed. A configuration uses the newest version that is
        -- not newer than itself.
        CREATE TABLE ruleset_version (
            connection int NOT NULL REFERENCES connection (number),
            name text NOT NULL,
            version int NOT NULL,
            since bigint NOT NULL REFERENCES configuration (version),
            position int NOT NULL,
            is_removed boolean NOT NULL DEFAULT false,
            document text NOT NULL,
            PRIMARY KEY (connection, name, version));

        CREATE TABLE link (
            connection int NOT NULL,
            incident_id text NOT NULL,
            record_key text NOT NULL,
            record_id text NOT NULL,
            object text NOT NULL,
            linked_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (connection, incident_id, record_key));
        CREATE INDEX link_record ON link (connection, record_key);

        CREATE TABLE journal (
            connection int NOT NULL,
            target text NOT NULL,
            field text NOT NULL,
            hash bytea NOT NULL,
            written_at timestamptz NOT NULL DEFAULT now(),
            expires_at timestamptz NOT NULL);
        CREATE INDEX journal_target ON journal (connection, target);
        CREATE INDEX journal_expiry ON journal (expires_at);

        CREATE TABLE budget (
            scope text PRIMARY KEY,
            next_at timestamptz NOT NULL,
            closed_until timestamptz NOT NULL DEFAULT 'epoch'
        ) WITH (fillfactor = 20);
        """
}
