ALTER TABLE `job` ADD `text_removed_at` integer;--> statement-breakpoint
CREATE INDEX `job_text` ON `job` (`updated_at`) WHERE text_removed_at IS NULL AND status IN ('posted', 'accepted', 'edited', 'discarded', 'skipped', 'dead', 'cancelled');--> statement-breakpoint
CREATE INDEX `ticket_requester` ON `ticket` (`helpdesk`,`requester_id`) WHERE requester_id IS NOT NULL;