/** The body of a 101: frames both ways. */
import type { FrameListener, FramePort, UpgradeOptions } from '../../transport/contracts.js';
import type { WaitingRoom } from '../admission/waiting-room.js';

/** A reply with this body makes its exchange a WebSocket. */
export class FrameBody {
  readonly options: Omit<UpgradeOptions, 'headers'>;
  readonly listener: FrameListener;
  /** Called when the 101 is on its way. */
  readonly onOpen: (frames: FramePort, room: WaitingRoom) => void;

  constructor(options: Omit<UpgradeOptions, 'headers'>, listener: FrameListener, onOpen: (frames: FramePort, room: WaitingRoom) => void) {
    this.options = options;
    this.listener = listener;
    this.onOpen = onOpen;
  }
}
