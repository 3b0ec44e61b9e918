// A process of compute-cluster: hashes or compares one password at a time.
const bcrypt = require('bcrypt');

process.on('message', ({ pass, cost, is }) => {
	process.send(is ? bcrypt.compareSync(pass, is) : bcrypt.hashSync(pass, cost));
});
