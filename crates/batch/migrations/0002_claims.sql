-- Which runner works on a row. A hint with a lease, so it is outside of the row's checksum.
ALTER TABLE ark_job ADD COLUMN claim TEXT NOT NULL DEFAULT '';
UPDATE ark_job SET claim = runner WHERE state IN ('submitting', 'unknown', 'submitted', 'finished', 'downloaded');
CREATE INDEX ark_job_by_claim ON ark_job (state, batch, claim, model, priority DESC, place, key);
