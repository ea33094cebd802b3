ALTER TABLE `draft` ADD `review` text;--> statement-breakpoint
CREATE INDEX `job_reviewing` ON `job` (`stage`) WHERE stage IN ('review', 'revise');