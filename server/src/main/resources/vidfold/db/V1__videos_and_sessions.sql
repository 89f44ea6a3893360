-- Runs on SQLite and on PostgreSQL. Times are milliseconds since 1970-01-01 UTC.

CREATE TABLE videos (
  tenant         VARCHAR(64)  NOT NULL,
  id             VARCHAR(40)  NOT NULL,
  sha256         VARCHAR(64)  NOT NULL,
  bytes          BIGINT       NOT NULL,
  name           VARCHAR(255) NOT NULL,
  state          VARCHAR(16)  NOT NULL,
  created_at     BIGINT       NOT NULL,
  attempts       INTEGER      NOT NULL,
  facts          TEXT,
  failure_type   VARCHAR(64),
  failure_detail TEXT,
  CONSTRAINT videos_key PRIMARY KEY (tenant, id),
  CONSTRAINT videos_once_per_content UNIQUE (tenant, sha256)
);

CREATE TABLE sessions (
  id           VARCHAR(40) NOT NULL,
  tenant       VARCHAR(64) NOT NULL,
  video_id     VARCHAR(40) NOT NULL,
  created_at   BIGINT      NOT NULL,
  last_used_at BIGINT      NOT NULL,
  CONSTRAINT sessions_key PRIMARY KEY (id),
  CONSTRAINT sessions_of_video FOREIGN KEY (tenant, video_id)
    REFERENCES videos (tenant, id) ON DELETE CASCADE
);

CREATE INDEX sessions_by_video ON sessions (tenant, video_id);

-- answer is the whole answer object as JSON, answer_tokens its token ids as a JSON list.
CREATE TABLE turns (
  session_id    VARCHAR(40) NOT NULL,
  turn          INTEGER     NOT NULL,
  question      TEXT        NOT NULL,
  answer        TEXT        NOT NULL,
  answer_tokens TEXT        NOT NULL,
  created_at    BIGINT      NOT NULL,
  CONSTRAINT turns_key PRIMARY KEY (session_id, turn),
  CONSTRAINT turns_of_session FOREIGN KEY (session_id)
    REFERENCES sessions (id) ON DELETE CASCADE
);
