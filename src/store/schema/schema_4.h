#pragma once

namespace hearth::store {

/// Decisions as a chain: each row carries the SHA-256 of itself and of the hash before it (see
/// chain/decision_chain.h). Rows that were there before have none.
inline constexpr const char* kSchema4 = R"sql(
ALTER TABLE decisions ADD COLUMN hash TEXT NOT NULL DEFAULT '';

CREATE TABLE decisions_chain (  -- one row: what the first decision that is left follows
  one INTEGER PRIMARY KEY CHECK (one = 1),
  after_id INTEGER NOT NULL,    -- the last one that is gone, or that was there before the chain
  hash TEXT NOT NULL            -- that it had
);
INSERT INTO decisions_chain SELECT 1, coalesce(max(id), 0), '' FROM decisions;
)sql";

}  // namespace hearth::store
