ALTER TABLE `job` ADD `query` text;--> statement-breakpoint
ALTER TABLE `job` ADD `rule` text;