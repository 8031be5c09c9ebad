extension Store {
    /// The log: lanes are leased, jobs never change, and a settlement moves a lane's cursor, so the
    /// cost of a lease does not grow with the backlog (Queue.md 2 and 3).
    ///
    /// - A *segment* is a day of the database's clock, counted from 1970; `job`, `settlement` and
    ///   `effect` have a partition for each. A *period* is 15 such days, for `deduplication`.
    /// - `lane` is the only table whose rows change often, so it has only two indexes (Queue.md
    ///   18).
    /// - The segment comes last in keys, because it is the same in a whole partition.
    /// - Payloads of some KiB stay in their row, uncompressed, because a lease reads them once.
    static let logSchema = """
        CREATE FUNCTION segment_now() RETURNS int LANGUAGE sql VOLATILE AS
        $$ SELECT floor(extract(epoch FROM clock_timestamp()) / 86400)::int $$;

        CREATE FUNCTION period_now() RETURNS int LANGUAGE sql STABLE AS
        $$ SELECT floor(extract(epoch FROM now()) / 86400 / 15)::int $$;

        CREATE TABLE connection (
            number int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            id text NOT NULL UNIQUE,
            is_active boolean NOT NULL DEFAULT true,
            blocked_until timestamptz NOT NULL DEFAULT 'epoch',
            configuration text NOT NULL DEFAULT '{}');

        CREATE TABLE worker (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            name text NOT NULL,
            registered_at timestamptz NOT NULL DEFAULT now(),
            expires_at timestamptz NOT NULL
        ) WITH (fillfactor = 20);

        CREATE TABLE lane (
            lane_id bigint PRIMARY KEY,
            connection int NOT NULL,
            state smallint NOT NULL,
            attempt int NOT NULL DEFAULT 0,
            tail bigint NOT NULL,
            done bigint NOT NULL DEFAULT 0,
            epoch bigint NOT NULL DEFAULT 0,
            owner bigint,
            ready_at timestamptz NOT NULL,
            segment int NOT NULL,
            tail_segment int NOT NULL,
            key text NOT NULL
        ) WITH (
            fillfactor = 50, vacuum_truncate = off, autovacuum_vacuum_cost_delay = 0,
            autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 500);
        COMMENT ON COLUMN lane.lane_id IS 'hash of connection and key';
        COMMENT ON COLUMN lane.state IS '0 idle, 1 ready, 2 leased';
        COMMENT ON COLUMN lane.ready_at IS 'when it is due, and its place in the round';
        COMMENT ON COLUMN lane.segment IS 'no job after done is in an earlier segment';
        COMMENT ON COLUMN lane.tail_segment IS 'segment of the last job';
        CREATE INDEX lane_ready ON lane (connection, ready_at) WHERE state = 1;

        CREATE TABLE job (
            segment int NOT NULL,
            lane_id bigint NOT NULL,
            sequence bigint NOT NULL,
            connection int NOT NULL,
            occurred_at timestamptz NOT NULL,
            appended_at timestamptz NOT NULL DEFAULT now(),
            event_id text NOT NULL,
            source text NOT NULL,
            kind text NOT NULL,
            format text NOT NULL,
            payload text NOT NULL,
            PRIMARY KEY (lane_id, sequence, segment)
        ) PARTITION BY LIST (segment);
        ALTER TABLE job ALTER COLUMN payload SET STORAGE EXTERNAL;
        CREATE INDEX job_recent ON job (connection, appended_at, lane_id, sequence);
        CREATE INDEX job_event ON job USING hash (event_id);

        CREATE TABLE settlement (
            segment int NOT NULL,
            lane_id bigint NOT NULL,
            sequence bigint NOT NULL,
            attempt int NOT NULL,
            worker bigint,
            configuration bigint,
            settled_at timestamptz NOT NULL DEFAULT now(),
            outcome text NOT NULL,
            detail text,
            facts text,
            PRIMARY KEY (lane_id, sequence, segment)
        ) PARTITION BY LIST (segment);
        CREATE INDEX settlement_failed ON settlement (settled_at) WHERE outcome = 'failed';

        CREATE TABLE effect (
            segment int NOT NULL,
            lane_id bigint NOT NULL,
            sequence bigint NOT NULL,
            key text NOT NULL,
            state text NOT NULL,
            started_at timestamptz NOT NULL DEFAULT now(),
            ended_at timestamptz,
            request text,
            result text,
            PRIMARY KEY (lane_id, sequence, key, segment)
        ) PARTITION BY LIST (segment);

        CREATE TABLE deduplication (
            period int NOT NULL,
            hash bytea NOT NULL,
            PRIMARY KEY (period, hash)
        ) PARTITION BY LIST (period);

        -- A partition is created by itself and then attached, as that lock lets appends pass.
        CREATE FUNCTION create_partition(parent text, number int, options text) RETURNS void
        LANGUAGE plpgsql AS $$
        DECLARE child text := parent || '_' || number;
        BEGIN
            IF to_regclass(child) IS NULL THEN
                EXECUTE format(
                    'CREATE TABLE %I (LIKE %I INCLUDING ALL) %s', child, parent, options);
                EXECUTE format(
                    'ALTER TABLE %I ATTACH PARTITION %I FOR VALUES IN (%s)', parent, child, number);
            END IF;
        END $$;

        CREATE FUNCTION create_partitions(ahead int) RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM pg_advisory_xact_lock(hashtext('create_partitions'));
            FOR number IN segment_now() .. segment_now() + ahead LOOP
                PERFORM create_partition('job', number, 'WITH (toast_tuple_target = 8160)');
                PERFORM create_partition('settlement', number, '');
                PERFORM create_partition('effect', number, 'WITH (fillfactor = 80)');
            END LOOP;
            FOR number IN period_now() .. period_now() + 1 LOOP
                PERFORM create_partition('deduplication', number, '');
            END LOOP;
        END $$;

        SELECT create_partitions(ahead => 3);

        -- A transaction that is left open keeps vacuum from cleaning lanes, and a statement whose
        -- client has gone keeps its locks. A role without the right to set this goes on without.
        DO $$ BEGIN
            EXECUTE format('ALTER DATABASE %I SET %s = %L', current_database(),
                'idle_in_transaction_session_timeout', '30s');
            EXECUTE format('ALTER DATABASE %I SET %s = %L', current_database(),
                'client_connection_check_interval', '5s');
        EXCEPTION WHEN insufficient_privilege OR feature_not_supported THEN NULL;
        END $$;
        """

    /// Creates one day of the log, for events that come from another database (`Store.move`).
    static let segmentSchema = """
        CREATE FUNCTION create_segment(number int) RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM create_partition('job', number, 'WITH (toast_tuple_target = 8160)');
            PERFORM create_partition('settlement', number, '');
            PERFORM create_partition('effect', number, 'WITH (fillfactor = 80)');
        END $$;

        CREATE OR REPLACE FUNCTION create_partitions(ahead int) RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM pg_advisory_xact_lock(hashtext('create_partitions'));
            FOR number IN segment_now() .. segment_now() + ahead LOOP
                PERFORM create_segment(number);
            END LOOP;
            FOR number IN period_now() .. period_now() + 1 LOOP
                PERFORM create_partition('deduplication', number, '');
            END LOOP;
        END $$;
        """
}
