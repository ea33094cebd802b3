DROP INDEX `job_due_batch`;--> statement-breakpoint
CREATE INDEX `job_due_batch` ON `job` (`batch_id`,`stage`,(attempt = 0),`due_at`) WHERE due_at IS NOT NULL AND lane = 1;