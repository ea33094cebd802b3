-- Keeps status_count in step with job, inside the transaction that changes the job.
CREATE TRIGGER `job_count_insert` AFTER INSERT ON `job` BEGIN
	INSERT INTO `status_count` (`scope`, `status`, `n`) SELECT '', new.`status`, 1 WHERE new.`current` = 1
		ON CONFLICT (`scope`, `status`) DO UPDATE SET `n` = `n` + 1;
	INSERT INTO `status_count` (`scope`, `status`, `n`) SELECT new.`batch_id`, new.`status`, 1 WHERE new.`batch_id` IS NOT NULL
		ON CONFLICT (`scope`, `status`) DO UPDATE SET `n` = `n` + 1;
END;
--> statement-breakpoint
CREATE TRIGGER `job_count_delete` AFTER DELETE ON `job` BEGIN
	UPDATE `status_count` SET `n` = `n` - 1 WHERE `scope` = '' AND `status` = old.`status` AND old.`current` = 1;
	UPDATE `status_count` SET `n` = `n` - 1 WHERE `scope` = old.`batch_id` AND `status` = old.`status`;
END;
--> statement-breakpoint
CREATE TRIGGER `job_count_update` AFTER UPDATE OF `status`, `current` ON `job`
WHEN old.`status` <> new.`status` OR old.`current` <> new.`current` BEGIN
	UPDATE `status_count` SET `n` = `n` - 1 WHERE `scope` = '' AND `status` = old.`status` AND old.`current` = 1;
	INSERT INTO `status_count` (`scope`, `status`, `n`) SELECT '', new.`status`, 1 WHERE new.`current` = 1
		ON CONFLICT (`scope`, `status`) DO UPDATE SET `n` = `n` + 1;
	UPDATE `status_count` SET `n` = `n` - 1 WHERE `scope` = old.`batch_id` AND `status` = old.`status`;
	INSERT INTO `status_count` (`scope`, `status`, `n`) SELECT new.`batch_id`, new.`status`, 1 WHERE new.`batch_id` IS NOT NULL
		ON CONFLICT (`scope`, `status`) DO UPDATE SET `n` = `n` + 1;
END;
