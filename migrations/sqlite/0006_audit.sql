CREATE TABLE `audit` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`at` integer NOT NULL,
	`who` text,
	`role` text,
	`address` text,
	`action` text NOT NULL,
	`subject` text,
	`outcome` text,
	`count` integer DEFAULT 1 NOT NULL
);

--> statement-breakpoint
-- Append-only: a row gets its end once, and nothing else of it changes.
CREATE TRIGGER `audit_end_once` BEFORE UPDATE ON `audit`
WHEN old.`outcome` IS NOT NULL OR new.`outcome` IS NULL OR new.`id` <> old.`id` OR new.`at` <> old.`at` OR new.`who` IS NOT old.`who`
	OR new.`role` IS NOT old.`role` OR new.`address` IS NOT old.`address` OR new.`action` <> old.`action` OR new.`count` <> old.`count` BEGIN
	SELECT RAISE(ABORT, 'the audit log is append-only');
END;
--> statement-breakpoint
CREATE TRIGGER `audit_stays` BEFORE DELETE ON `audit` BEGIN
	SELECT RAISE(ABORT, 'the audit log is append-only');
END;
