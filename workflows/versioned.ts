import { setWorkflowOptions } from '@temporalio/workflow';
import { syncControl } from './sync-control.ts';

/**
 * The workflows for workers with a version (worker versioning). Always open, the control goes on with the newest code; all others end on the code that they began on, as those workers say by default.
 * A bundle of its own: the server refuses a behaviour that a worker without a version names.
 */
setWorkflowOptions({ versioningBehavior: 'AUTO_UPGRADE' }, syncControl);

export { fetchObject, nightlySync, syncControl, syncRun } from './index.ts';
