import './confirm.ts';
import './live.ts';
import './new-batch.ts';
import './signed-out.ts';
