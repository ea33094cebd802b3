import './confirm.ts';
import './live.ts';
import './signed-out.ts';
