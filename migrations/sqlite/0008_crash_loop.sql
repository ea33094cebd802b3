CREATE TABLE `crash` (
	`at` integer NOT NULL
);
--> statement-breakpoint
ALTER TABLE `job` ADD `crashes` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX `job_suspect` ON `job` (`crashes`) WHERE crashes >= 2;