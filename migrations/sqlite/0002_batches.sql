CREATE TABLE `batch_ids` (
	`batch_id` text PRIMARY KEY NOT NULL,
	`ids` text NOT NULL,
	`position` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `spending` (
	`day` text NOT NULL,
	`scope` text NOT NULL,
	`cost_usd` real NOT NULL,
	PRIMARY KEY(`day`, `scope`)
);
--> statement-breakpoint
DROP INDEX `job_due`;--> statement-breakpoint
ALTER TABLE `job` ADD `priority` integer DEFAULT 2 NOT NULL;--> statement-breakpoint
CREATE INDEX `job_due_live` ON `job` (`stage`,`helpdesk`,`priority`,`due_at`) WHERE due_at IS NOT NULL AND lane = 0;--> statement-breakpoint
CREATE INDEX `job_due_batch` ON `job` (`batch_id`,`stage`,`due_at`) WHERE due_at IS NOT NULL AND lane = 1;--> statement-breakpoint
CREATE INDEX `job_batch_joined` ON `job` (`batch_id`) WHERE batch_id IS NOT NULL AND lane = 0;--> statement-breakpoint
CREATE INDEX `job_batch_held` ON `job` (`batch_id`,`id`) WHERE batch_id IS NOT NULL AND status = 'drafted';--> statement-breakpoint
CREATE INDEX `job_batch_ended` ON `job` (`batch_id`,`status`,`id`) WHERE batch_id IS NOT NULL AND status IN ('dead', 'cancelled');--> statement-breakpoint
CREATE INDEX `job_batch_errors` ON `job` (`batch_id`,`error_class`) WHERE batch_id IS NOT NULL AND error_class IS NOT NULL;--> statement-breakpoint
ALTER TABLE `attempt` ADD `prompt_tokens` integer;--> statement-breakpoint
ALTER TABLE `attempt` ADD `completion_tokens` integer;--> statement-breakpoint
ALTER TABLE `attempt` ADD `cost_usd` real;--> statement-breakpoint
ALTER TABLE `batch` ADD `lane` text DEFAULT 'standard' NOT NULL;--> statement-breakpoint
ALTER TABLE `batch` ADD `skip_drafted` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `batch` ADD `skipped_drafted` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `batch` ADD `filter` text;--> statement-breakpoint
ALTER TABLE `batch` ADD `listing` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `batch` ADD `cursor` text;--> statement-breakpoint
ALTER TABLE `batch` ADD `canary_size` integer;--> statement-breakpoint
ALTER TABLE `batch` ADD `canary_max_error_rate` real;--> statement-breakpoint
ALTER TABLE `batch` ADD `target` integer;--> statement-breakpoint
ALTER TABLE `batch` ADD `opened` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `batch` ADD `forgiven_processed` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `batch` ADD `forgiven_failed` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `batch` ADD `reason` text;--> statement-breakpoint
ALTER TABLE `batch` ADD `error_class` text;--> statement-breakpoint
ALTER TABLE `batch` ADD `budget_usd` real;--> statement-breakpoint
ALTER TABLE `batch` ADD `prompt_tokens` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `batch` ADD `completion_tokens` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `batch` ADD `cost_usd` real DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `batch` ADD `todo` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `batch` ADD `revive` text;--> statement-breakpoint
ALTER TABLE `batch` ADD `release` text;--> statement-breakpoint
CREATE INDEX `batch_active` ON `batch` (`helpdesk`,`id`) WHERE state IN ('canary', 'running');--> statement-breakpoint
CREATE INDEX `batch_todo` ON `batch` (`id`) WHERE todo = 1;