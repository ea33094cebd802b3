ALTER TABLE `attempt` ADD `waited_ms` integer;--> statement-breakpoint
CREATE INDEX `ticket_subject` ON `ticket` (`id`,`subject`) WHERE subject IS NOT NULL;