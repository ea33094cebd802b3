CREATE TABLE `attempt` (
	`id` integer PRIMARY KEY NOT NULL,
	`ticket` integer NOT NULL,
	`job_id` text NOT NULL,
	`stage` text NOT NULL,
	`number` integer NOT NULL,
	`started_at` integer NOT NULL,
	`duration_ms` integer NOT NULL,
	`outcome` text NOT NULL,
	`error_class` text,
	`error` text
);
--> statement-breakpoint
CREATE INDEX `attempt_ticket` ON `attempt` (`ticket`);--> statement-breakpoint
CREATE INDEX `attempt_job` ON `attempt` (`job_id`);--> statement-breakpoint
CREATE TABLE `batch` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text,
	`helpdesk` text NOT NULL,
	`state` text NOT NULL,
	`total` integer NOT NULL,
	`post` text NOT NULL,
	`created_at` integer NOT NULL,
	`finished_at` integer
);
--> statement-breakpoint
CREATE TABLE `draft` (
	`id` text PRIMARY KEY NOT NULL,
	`ticket` integer NOT NULL,
	`job_id` text NOT NULL,
	`version` integer NOT NULL,
	`body` text,
	`finding` text,
	`language` text NOT NULL,
	`confidence` real NOT NULL,
	`questions` text NOT NULL,
	`sources` text NOT NULL,
	`cut` text,
	`model` text NOT NULL,
	`prompt_tokens` integer NOT NULL,
	`cached_tokens` integer NOT NULL,
	`completion_tokens` integer NOT NULL,
	`cost_usd` real,
	`conversation_version` text NOT NULL,
	`seen_message_id` text,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `draft_ticket` ON `draft` (`ticket`,`version`);--> statement-breakpoint
CREATE TABLE `event` (
	`helpdesk` text NOT NULL,
	`key` text NOT NULL,
	`ticket` integer NOT NULL,
	`received_at` integer NOT NULL,
	PRIMARY KEY(`helpdesk`, `key`)
);
--> statement-breakpoint
CREATE TABLE `job` (
	`id` text PRIMARY KEY NOT NULL,
	`ticket` integer NOT NULL,
	`helpdesk` text NOT NULL,
	`batch_id` text,
	`status` text NOT NULL,
	`stage` text NOT NULL,
	`lane` integer NOT NULL,
	`due_at` integer,
	`owner` text,
	`lease_until` integer,
	`attempt` integer DEFAULT 0 NOT NULL,
	`stage_attempt` integer DEFAULT 0 NOT NULL,
	`failures` integer DEFAULT 0 NOT NULL,
	`marker` text NOT NULL,
	`traceparent` text NOT NULL,
	`verify` integer DEFAULT 0 NOT NULL,
	`post` text DEFAULT 'auto' NOT NULL,
	`draft_id` text,
	`post_intended_at` integer,
	`pending_at` integer,
	`pending_message_id` text,
	`reason` text,
	`error_class` text,
	`error` text,
	`note_id` text,
	`current` integer DEFAULT 1 NOT NULL,
	`queued_at` integer NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `job_due` ON `job` (`stage`,`helpdesk`,`lane`,`due_at`) WHERE due_at IS NOT NULL;--> statement-breakpoint
CREATE INDEX `job_running` ON `job` (`owner`) WHERE owner IS NOT NULL;--> statement-breakpoint
CREATE INDEX `job_status` ON `job` (`status`,`id`);--> statement-breakpoint
CREATE INDEX `job_ticket` ON `job` (`ticket`);--> statement-breakpoint
CREATE INDEX `job_batch` ON `job` (`batch_id`,`id`) WHERE batch_id IS NOT NULL;--> statement-breakpoint
CREATE TABLE `meta` (
	`key` text PRIMARY KEY NOT NULL,
	`value` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `pause` (
	`scope` text PRIMARY KEY NOT NULL,
	`reason` text NOT NULL,
	`error_class` text,
	`since` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `status_count` (
	`scope` text NOT NULL,
	`status` text NOT NULL,
	`n` integer NOT NULL,
	PRIMARY KEY(`scope`, `status`)
);
--> statement-breakpoint
CREATE TABLE `ticket` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`helpdesk` text NOT NULL,
	`ticket_id` text NOT NULL,
	`subject` text,
	`requester_id` text,
	`job_id` text NOT NULL,
	`posted_seen_id` text,
	`posted_marker` text,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `ticket_identity` ON `ticket` (`helpdesk`,`ticket_id`);