ALTER TABLE `draft` ADD `grounding` text;--> statement-breakpoint
ALTER TABLE `draft` ADD `versions` text;