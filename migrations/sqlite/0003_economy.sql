CREATE TABLE `consigned` (
	`job_id` text PRIMARY KEY NOT NULL,
	`key` text NOT NULL,
	`attempt` integer NOT NULL,
	`usd` real,
	`context` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `consigned_key` ON `consigned` (`key`,`job_id`);--> statement-breakpoint
CREATE TABLE `consignment` (
	`key` text PRIMARY KEY NOT NULL,
	`batch_id` text NOT NULL,
	`model` text NOT NULL,
	`provider_id` text,
	`lines` integer DEFAULT 0 NOT NULL,
	`reserved_usd` real DEFAULT 0 NOT NULL,
	`line_usd` real DEFAULT 0 NOT NULL,
	`created_at` integer NOT NULL,
	`sending_at` integer,
	`done_at` integer
);
--> statement-breakpoint
CREATE INDEX `consignment_batch` ON `consignment` (`batch_id`);--> statement-breakpoint
CREATE INDEX `consignment_open` ON `consignment` (`key`) WHERE done_at IS NULL;