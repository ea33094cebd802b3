CREATE TABLE `knowledge_article` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`article_id` text NOT NULL,
	`locale` text NOT NULL,
	`source` text NOT NULL,
	`title` text NOT NULL,
	`url` text,
	`restricted` integer NOT NULL,
	`updated_at` integer,
	`grams` blob NOT NULL,
	`hash` text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `knowledge_article_key` ON `knowledge_article` (`article_id`,`locale`);--> statement-breakpoint
CREATE INDEX `knowledge_article_source` ON `knowledge_article` (`source`);--> statement-breakpoint
CREATE TABLE `knowledge_canned` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`canned_id` text NOT NULL,
	`source` text NOT NULL,
	`title` text NOT NULL,
	`body` text NOT NULL,
	`updated_at` integer,
	`words` blob NOT NULL,
	`hash` text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `knowledge_canned_key` ON `knowledge_canned` (`canned_id`);--> statement-breakpoint
CREATE INDEX `knowledge_canned_source` ON `knowledge_canned` (`source`);--> statement-breakpoint
CREATE TABLE `knowledge_erased` (
	`customer` text PRIMARY KEY NOT NULL
);
--> statement-breakpoint
CREATE TABLE `knowledge_passage` (
	`id` integer PRIMARY KEY NOT NULL,
	`article` integer NOT NULL,
	`heading` text NOT NULL,
	`text` text NOT NULL,
	`words` blob NOT NULL
);
--> statement-breakpoint
CREATE INDEX `knowledge_passage_article` ON `knowledge_passage` (`article`);--> statement-breakpoint
CREATE TABLE `knowledge_solved` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`ticket_id` text NOT NULL,
	`source` text NOT NULL,
	`customer` text,
	`solved_at` integer,
	`subject` text NOT NULL,
	`reply` text NOT NULL,
	`links` text NOT NULL,
	`words` blob NOT NULL,
	`hash` text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `knowledge_solved_key` ON `knowledge_solved` (`ticket_id`);--> statement-breakpoint
CREATE INDEX `knowledge_solved_source` ON `knowledge_solved` (`source`);--> statement-breakpoint
CREATE INDEX `knowledge_solved_at` ON `knowledge_solved` (`solved_at`);--> statement-breakpoint
CREATE INDEX `knowledge_solved_customer` ON `knowledge_solved` (`customer`) WHERE customer IS NOT NULL;--> statement-breakpoint
CREATE INDEX `knowledge_solved_linked` ON `knowledge_solved` (`links`) WHERE links <> '[]';--> statement-breakpoint
CREATE TABLE `knowledge_source` (
	`source` text NOT NULL,
	`kind` text NOT NULL,
	`cursor` text,
	`synced_at` integer,
	`error` text,
	PRIMARY KEY(`source`, `kind`)
);
