import t from 'tap'
import { replayWithWeb } from '../../helpers/recorded.js'

// Some hundred requests and the tasks behind them; a busy machine needs minutes for them.
t.setTimeout(300_000)

t.test('stores are answered as a real Glance answered', t => replayWithWeb(t, ['stores']))
