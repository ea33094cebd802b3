CREATE TABLE `knowledge_vector` (
	`kind` integer NOT NULL,
	`row` integer NOT NULL,
	`digest` text NOT NULL,
	`text` text,
	`model` text,
	`vector` blob,
	PRIMARY KEY(`kind`, `row`)
);
--> statement-breakpoint
CREATE INDEX `knowledge_vector_digest` ON `knowledge_vector` (`digest`);--> statement-breakpoint
CREATE INDEX `knowledge_vector_missing` ON `knowledge_vector` (`kind`,`row`) WHERE vector IS NULL;--> statement-breakpoint
-- What a vector was made of goes, and the vector in the same write, whoever removes it.
CREATE TRIGGER `knowledge_vector_of_passage` AFTER DELETE ON `knowledge_passage` BEGIN
	DELETE FROM `knowledge_vector` WHERE `kind` = 0 AND `row` = old.`id`;
END;
--> statement-breakpoint
CREATE TRIGGER `knowledge_vector_of_solved` AFTER DELETE ON `knowledge_solved` BEGIN
	DELETE FROM `knowledge_vector` WHERE `kind` = 1 AND `row` = old.`id`;
END;
