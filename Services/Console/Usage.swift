extension Invocation {
    static let usage = """
        usage: console COMMAND ...

        Configuration
          check FILE              read the configuration file and say what is wrong with it
          apply FILE              put it in force as a new version
          migrate                 bring the database to this program's schema

        What happened
          events                  the log, newest first
              --connection ID  --lane KEY  --kind KIND
              --outcome applied|unmatched|ignored|failed|waiting
              --limit N  --before CURSOR  --json
          event ID                all about one event: payload, facts, rules, effects
          explain ID [RULE]       why each rule, or RULE, did or did not fire
              --connection ID  --json
          links --incident ID     what belongs to an incident
          links --record ID       what belongs to a record
              --connection ID
          status                  how the queue is doing

        After the mend
          replay ID...            go on with events: what they have done already is left out
              --again             do that again, too
          replay --failed         all that failed, oldest first
              --connection ID  --limit N

        Between databases
          move CONNECTION         copy all about a connection from LIAISON_DATABASE_URL to
                                  LIAISON_TARGET_DATABASE_URL, and block it where it was
              --again             also one that is blocked for good, after a move that broke off

        Environment: LIAISON_DATABASE_URL and, for apply, LIAISON_MASTER_KEY (32 bytes, Base64 or
        hexadecimal); all of them also as ..._FILE. check needs none.
        Exit status: 0 done, 1 something is wrong, 2 the command line makes no sense.
        """
}
